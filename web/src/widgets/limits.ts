import { css, html, nothing, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Portal } from '../core/api.ts';
import { add, approximate, compare, isZero, share } from '../core/decimal.ts';
import { TollElement } from '../core/element.ts';
import { icon } from '../core/icons.ts';
import type { Limit, Member } from '../core/types.ts';

/** Where a limit that says nothing else begins to warn, in percent. */
const WARN_AT = 80;

const WINDOWS: Record<string, string> = { day: 'a day', week: 'a week', month: 'a month', rolling_hour: 'in any hour' };

type Level = 'ok' | 'near' | 'full' | 'off';

interface Found {
  limits: Limit[];
  members: Member[];
}

/** How far along a limit is: what's held counts, because it can no longer be used otherwise. */
export function levelOf(limit: Pick<Limit, 'cap' | 'used' | 'held' | 'enabled' | 'warn_at'>): Level {
  if (!limit.enabled) return 'off';
  if (limit.used === null) return 'ok';
  const taken = add(limit.used, limit.held ?? '0');
  if (compare(taken, limit.cap) >= 0) return 'full';
  const lowest = Math.min(WARN_AT, ...limit.warn_at.map(Number).filter((each) => each > 0));
  return share(taken, limit.cap) * 100 >= lowest ? 'near' : 'ok';
}

/**
 * Limits as bars: used, held, what's left, when it begins anew. Near and full are said in words and by a sign.
 *
 * @element toll-limits
 * @attr {string} token - The portal token.
 * @attr {string} token-url - The product's own address that answers `{token}`.
 * @attr {string} base - Where Tollkeeper is; by default where `tollkeeper.js` came from.
 * @attr {string} locale - Language and region of figures; by default the browser's.
 * @attr {light|dark|auto} theme - `auto` follows the page's `color-scheme`, else the system.
 * @attr {boolean} plain - Without frame and background.
 * @attr {string} member - Also what this member has used; without it, people choose where limits are by member.
 * @fires toll-session-expired - The session has ended; give a new `token`.
 * @csspart panel - The frame.
 * @csspart limit - One limit.
 * @csspart bar - Its bar.
 */
export class TollLimits extends TollElement<Found> {
  @property() member: string | null = null;
  @state() private chosen = '';

  protected readonly heading = 'Limits';
  protected override readonly asksAgainFor = ['member', 'chosen'];

  static override styles = [
    TollElement.styles,
    css`
      :host { container-type: inline-size; }
      ul { display: grid; gap: 20px; }
      .limit .row { flex-wrap: wrap; gap: 2px 12px; }
      .limit h3 { color: var(--_text); font-size: 14px; display: flex; flex-wrap: wrap; gap: 3px 8px; align-items: center; min-inline-size: 0; }
      .badge svg { inline-size: 13px; block-size: 13px; }
      .track { display: flex; block-size: 8px; margin-block: 8px 6px; border-radius: 99px; background: var(--_subtle); box-shadow: inset 0 0 0 1px var(--_border); overflow: hidden; position: relative; }
      .used { background: var(--_accent); min-inline-size: 0; transition: inline-size 300ms; }
      .held { background: repeating-linear-gradient(135deg, var(--_accent) 0 2px, transparent 2px 5px); transition: inline-size 300ms; }
      .near .used { background: var(--_warn); } .near .held { background: repeating-linear-gradient(135deg, var(--_warn) 0 2px, transparent 2px 5px); }
      .full .used { background: var(--_bad); } .full .held { background: repeating-linear-gradient(135deg, var(--_bad) 0 2px, transparent 2px 5px); }
      .off .used, .off .held { background: var(--_border-strong); }
      .threshold { position: absolute; inset-block: 0; inline-size: 1px; background: var(--_border-strong); opacity: 0.7; }
      .notes { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 12px; color: var(--_muted); font-size: 12.5px; }
      .figure { font-variant-numeric: tabular-nums; font-size: 13.5px; }
      @media (forced-colors: active) { .used { background: Highlight; } .held { background: GrayText; } .track { border: 1px solid; } }
    `,
  ];

  protected override async load(portal: Portal): Promise<Found> {
    const member = this.member ?? (this.chosen || null);
    const { data } = await portal.limits({ member });
    const asks = this.member === null && data.some(({ by }) => by === 'member');
    const members = asks ? (await portal.members({ limit: 1000 })).data : [];
    return { limits: data, members: members.filter(({ archived_at }) => !archived_at) };
  }

  protected override isEmpty({ limits }: Found): boolean {
    return limits.length === 0;
  }

  protected override emptyText(): { title: string; text: string } {
    return { title: 'No limits', text: 'Nothing stops usage but the balance.' };
  }

  protected override controls(): TemplateResult | typeof nothing {
    const members = this.data?.members ?? [];
    if (!members.length) return nothing;
    const choose = (event: Event): void => {
      this.chosen = (event.target as HTMLSelectElement).value;
    };
    return html`<select class="control" aria-label="Limits of the member" @change=${choose}>
      <option value="">Each member</option>
      ${members.map(({ key, name }) => html`<option value=${key} ?selected=${key === this.chosen}>${name || key}</option>`)}
    </select>`;
  }

  protected override view({ limits }: Found): TemplateResult {
    return html`<ul>${repeat(
      limits,
      ({ limit }) => limit,
      (limit) => this.limit(limit),
    )}</ul>`;
  }

  private limit(limit: Limit): TemplateResult {
    const level = levelOf(limit);
    const { name } = limit;
    return html`<li class="limit ${level}" part="limit">
      <div class="row">
        <h3><span class="name">${name}</span>${this.sign(level, limit)}</h3>
        <span class="figure">${this.figure(limit)}</span>
      </div>
      ${limit.used === null ? nothing : this.bar(limit, name)}
      <p class="notes"><span>${this.notes(limit)}</span><span>${this.resets(limit)}</span></p>
    </li>`;
  }

  private sign(level: Level, { mode }: Limit): TemplateResult | typeof nothing {
    if (level === 'off') return html`<span class="badge">off</span>`;
    if (level === 'near') return html`<span class="badge warn">${icon('alert')}Nearly reached</span>`;
    if (level !== 'full') return nothing;
    return html`<span class="badge bad">${icon('close')}${mode === 'hard' ? 'Reached: more is refused' : 'Reached'}</span>`;
  }

  private bar(limit: Limit, name: string): TemplateResult {
    const part = (amount: string | null): number => Math.max(0, Math.min(1, share(amount ?? '0', limit.cap)));
    const used = part(limit.used);
    const held = Math.min(1 - used, part(limit.held));
    const width = (share: number): string => `inline-size:${(share * 100).toFixed(2)}%`;
    const marks = limit.warn_at.map(Number).filter((each) => each > 0 && each < 100);
    return html`<div class="track" part="bar" role="meter" aria-label="Used of ${name}" aria-valuemin="0" aria-valuemax=${approximate(limit.cap)} aria-valuenow=${Math.min(approximate(limit.cap), approximate(limit.used!))} aria-valuetext=${this.figure(limit)}>
      <span class="used" .style=${width(used)}></span><span class="held" .style=${width(held)}></span>
      ${marks.map((each) => html`<span class="threshold" .style=${`inset-inline-start:${each}%`}></span>`)}
    </div>`;
  }

  private figure(limit: Limit): string {
    const cap = `${this.amount(limit.cap, limit)} ${WINDOWS[limit.per] ?? `per ${limit.per}`}`;
    if (limit.used === null) return `${cap} each`;
    return `${this.amount(limit.used, limit, true)} of ${cap}`;
  }

  private notes(limit: Limit): string {
    if (limit.used === null) return 'Each member has this limit';
    const taken = approximate(add(limit.used, limit.held ?? '0'));
    const percent = this.money.percent(isZero(limit.cap) ? 1 : taken / approximate(limit.cap));
    const held = limit.held && !isZero(limit.held) ? `, ${this.amount(limit.held, limit)} of it on hold` : '';
    const left =
      limit.remaining && compare(limit.remaining, '0') > 0 ? ` · ${this.left(limit.remaining, limit)} left` : '';
    return `${percent}${held}${left}${limit.mode === 'soft' ? ' · warns only' : ''}`;
  }

  private resets(limit: Limit): TemplateResult | typeof nothing {
    if (limit.per === 'rolling_hour') return html`Frees up minute by minute`;
    return html`<span title=${this.dates.dateTime(limit.window.end)}>Resets ${this.dates.relative(limit.window.end)}</span>`;
  }

  /** Never more than there is: $49.99966 of $50.00 are $49.99. */
  private left(remaining: string, { spend, meter_unit }: Limit): string {
    if (spend) return this.money.amount(remaining, spend, { floor: true });
    return this.money.quantity(remaining, meter_unit, { floor: true });
  }

  /** `bare`: without the unit's name, where the cap beside it has it. */
  private amount(amount: string, limit: Limit, bare = false): string {
    if (limit.spend) return this.money.amount(amount, limit.spend);
    return this.money.quantity(amount, bare ? null : limit.meter_unit);
  }
}
