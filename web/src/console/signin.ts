/** Signing in with an admin key. */
import {
  base,
  css,
  html,
  icon,
  LitElement,
  nothing,
  type Problem,
  property,
  state,
  type TemplateResult,
} from 'tollkeeper';
import { app } from './app.ts';
import { told } from './client.ts';

const TEXTS: Record<string, string> = {
  unknown_key: 'There’s no such key, or it was revoked.',
  scope_missing: 'This key may not sign in: it lacks the scope admin.',
  csrf_failed: 'The browser says that another site has asked for this. Open the console by its own address.',
};

/** @fires signed-in - Somebody has signed in. */
export class SignIn extends LitElement {
  /** Why it's asked for, where a session has ended. */
  @property({ attribute: false }) ended = '';
  @state() private problem: Problem | null = null;
  @state() private busy = false;
  /** Seconds until it may be tried again. */
  @state() private wait = 0;
  private clock: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    base,
    css`
      :host { display: grid; place-items: center; min-block-size: 100vh; padding: 20px; }
      main { inline-size: min(380px, 100%); }
      .brand { display: flex; align-items: center; gap: 10px; margin-block-end: 18px; font-weight: 600; font-size: 16px; }
      h1 { margin: 0 0 4px; font-size: 20px; font-weight: 600; letter-spacing: -0.02em; }
      form { display: grid; gap: 14px; margin-block-start: 18px; }
      .panel { padding: 26px; }
      label { display: block; font-weight: 500; font-size: 13px; margin-block-end: 5px; }
      input { inline-size: 100%; }
      .primary { inline-size: 100%; min-block-size: 38px; }
      .error { display: flex; gap: 6px; color: var(--_bad); font-size: 13px; overflow-wrap: anywhere; }
      .error svg { flex: none; margin-block-start: 1px; }
      details { margin-block-start: 16px; font-size: 13px; color: var(--_muted); }
      summary { cursor: pointer; }
      pre { margin: 8px 0 0; padding: 9px 11px; border-radius: var(--_radius-small); background: var(--_subtle); color: var(--_text); font: 12px/1.5 var(--_mono); white-space: pre-wrap; overflow-wrap: anywhere; }
    `,
  ];

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.clock);
  }

  protected override firstUpdated(): void {
    this.field.focus();
  }

  protected override render(): TemplateResult {
    const error = this.errorText();
    return html`<main>
      <div class="panel">
        <div class="brand"><svg viewBox="0 0 16 16" width="24" height="24" aria-hidden="true"><rect width="16" height="16" rx="4" fill="var(--_accent)" /><path d="M4 5h8M8 5v7" stroke="var(--_on-accent)" stroke-width="1.8" stroke-linecap="round" /></svg>Tollkeeper</div>
        <h1>Sign in to the console</h1>
        <p class="muted">${this.ended || 'With an API key that has the scope admin.'}</p>
        <form novalidate @submit=${this.submit}>
          <div>
            <label for="key">Admin key</label>
            <input id="key" class="control" type="password" autocomplete="current-password" spellcheck="false" placeholder="toll_…" aria-describedby="error" aria-invalid=${error !== null} />
          </div>
          <p class="error" id="error" role="alert">${error === null ? nothing : html`${icon('alert')}<span>${error}</span>`}</p>
          <button class="button primary" ?disabled=${this.busy || this.wait > 0}>${this.busy ? 'One moment …' : 'Sign in'}</button>
        </form>
        <details>
          <summary>Make a key</summary>
          <pre>tollkeeper keys create console --scope admin</pre>
        </details>
      </div>
    </main>`;
  }

  private errorText(): string | null {
    if (this.wait > 0)
      return `Too many wrong keys. Try again in ${this.wait} ${this.wait === 1 ? 'second' : 'seconds'}.`;
    if (!this.problem) return null;
    if (this.problem.status === 429) return 'You can try again now.';
    return TEXTS[this.problem.code] ?? this.problem.detail;
  }

  private get field(): HTMLInputElement {
    return this.renderRoot.querySelector('input')!;
  }

  private readonly submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const key = this.field.value.trim();
    if (!key || this.busy || this.wait > 0) return this.field.focus();
    [this.busy, this.problem] = [true, null];
    try {
      await app.client.signIn(key);
      this.field.value = '';
      this.dispatchEvent(new CustomEvent('signed-in'));
    } catch (error) {
      this.problem = told(error);
      if (this.problem.status === 429) this.waits(this.problem.retryAfter ?? 60);
      this.field.select();
    } finally {
      this.busy = false;
    }
  };

  private waits(seconds: number): void {
    clearInterval(this.clock);
    this.wait = seconds;
    this.clock = setInterval(() => {
      this.wait -= 1;
      if (this.wait <= 0) clearInterval(this.clock);
    }, 1_000);
  }
}
