/** Answers kept while they're fresh; whoever asks for the same at the same time shares one request. */

interface Entry {
  at: number;
  answer: Promise<unknown>;
}

export class Cache {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly freshFor = 5_000,
    private readonly now: () => number = () => Date.now(),
  ) {}

  /** The kept answer, or `ask`'s. Failures aren't kept. */
  get<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.entries.get(key);
    if (known && this.now() - known.at < this.freshFor) return known.answer as Promise<T>;
    const entry: Entry = { at: this.now(), answer: Promise.resolve() };
    const answer = ask();
    entry.answer = answer;
    this.entries.set(key, entry);
    this.forgetOld();
    answer.catch(() => this.entries.get(key) === entry && this.entries.delete(key));
    return answer;
  }

  /** Everything, or what begins so, is asked for anew. */
  forget(prefix = ''): void {
    for (const key of this.entries.keys()) if (key.startsWith(prefix)) this.entries.delete(key);
  }

  private forgetOld(): void {
    for (const [key, entry] of this.entries) if (this.now() - entry.at >= this.freshFor) this.entries.delete(key);
  }
}
