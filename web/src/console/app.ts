/** What all of the console shares: who is signed in, where we are, the catalog's names, and how figures and times are written. */
import { Dates, html, Money, nothing, type TemplateResult } from 'tollkeeper';
import { Client } from './client.ts';
import type { Ask, Values } from './forms.ts';
import { Router } from './router.ts';
import type { Catalog, Meter, UnitAmount } from './types.ts';

const LOCALE = navigator.language || 'en';
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
const NO_CATALOG: Catalog = {
  version: 0,
  currency: 'USD',
  units: [],
  meters: [],
  groups: [],
  prices: [],
  limits: [],
  default_plan: null,
  plans: [],
};

export class App {
  readonly router = new Router();
  readonly client: Client = new Client({ onEnded: () => this.onEnded() });
  /** Of the operator: the browser's zone. */
  readonly dates = new Dates(LOCALE, ZONE);
  money = new Money(LOCALE);
  catalog: Catalog = NO_CATALOG;
  /** Set by the page. */
  onEnded: () => void = () => {};
  asks: (ask: Ask) => Promise<unknown> = async () => null;
  says: (text: string) => void = () => {};
  /** Something that counts (quarantine, holds …) may have changed. */
  onChanged: () => void = () => {};

  async readCatalog(): Promise<void> {
    this.catalog = await this.client.get<Catalog>('/v1/catalog');
    const credits = this.catalog.units.map(({ key, name, decimals }) => ({ key, name, digits: decimals }));
    this.money = new Money(LOCALE, credits);
  }

  /** Have the person decide; the answer of what was sent, or null where it was left. */
  async ask<T>(ask: Ask<T>): Promise<T | null> {
    const answer = (await this.asks(ask as Ask)) as T | null;
    if (answer !== null) {
      if (ask.done) this.says(ask.done);
      this.onChanged();
    }
    return answer;
  }

  meter(key: string): Meter | undefined {
    return this.catalog.meters.find((each) => each.key === key);
  }

  meterName = (key: string): string => this.meter(key)?.name ?? key;
  planName = (key: string | null): string =>
    key === null ? 'No plan' : (this.catalog.plans.find((each) => each.key === key)?.name ?? key);

  /** Units of value that the catalog knows: its currency first. */
  units(own: string | null = null): string[] {
    const priced = this.catalog.prices.map((each) => (each as unknown as { unit?: string }).unit ?? '').filter(Boolean);
    return [...new Set([own ?? this.catalog.currency, ...this.catalog.units.map(({ key }) => key), ...priced])];
  }

  amounts(amounts: readonly UnitAmount[], none = '–'): string {
    return amounts.map(({ unit, amount }) => this.money.amount(amount, unit)).join(' + ') || none;
  }

  /** A time in the operator's zone, in UTC for whoever points at it. */
  time(at: string | null, none = '–'): TemplateResult | string {
    return at ? stamp(at, this.dates.time(at)) : none;
  }

  /** `3 hours ago`, the whole time for whoever points at it. */
  ago(at: string | null, none = 'never'): TemplateResult | string {
    return at ? stamp(at, this.dates.relative(at)) : none;
  }
}

const stamp = (at: string, shown: string): TemplateResult =>
  html`<time datetime=${at} title=${`${at.slice(0, 19).replace('T', ' ')} UTC`}>${shown}</time>`;

export const app = new App();

/** A badge, or nothing. */
export const badge = (text: string | null, look = ''): TemplateResult | typeof nothing =>
  text ? html`<span class="badge ${look}">${text}</span>` : nothing;

/** Counted things: `1 event`, `2,000 events`. */
export const count = (number: number, unit: string): string => app.money.quantity(String(number), unit);

export type { Ask, Values };
