/** How events and postings look: one line each, and what an opened line shows. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { Dates } from '../core/dates.ts';
import { isNegative, isZero, subtract, sum } from '../core/decimal.ts';
import type { Problem } from '../core/http.ts';
import type { Money } from '../core/money.ts';
import type { Explanation, LedgerEntry, Session, UsageEvent } from '../core/types.ts';

export interface Words {
  money: Money;
  dates: Dates;
  session: Session;
}

/** What a line says: names at the start, figures at the end. */
export interface Told {
  at: string;
  title: unknown;
  about: unknown;
  quantity: string;
  amount: unknown;
}

export function eventTold(event: UsageEvent, { money, session }: Words): Told {
  const meter = session.meters.find(({ key }) => key === event.meter);
  const facts = Object.entries({ ...event.dimensions, ...(event.member ? { member: event.member } : {}) });
  return {
    at: event.time,
    title: html`<span class="name">${meter?.name ?? event.meter}</span>${flags(event)}`,
    about: facts.map(
      ([name, value]) =>
        html`<span class="fact"><span class="key">${name.replaceAll('_', ' ')}</span> <bdi>${value}</bdi></span>`,
    ),
    quantity: money.quantity(event.billed, meter?.unit ?? null),
    amount: event.charge !== null && event.unit ? money.amount(event.charge, event.unit) : 'No price yet',
  };
}

function flags(event: UsageEvent): TemplateResult {
  const flag = (on: boolean, look: string, text: string, hint: string) =>
    on ? html`<span class="badge ${look}" title=${hint}>${text}</span>` : nothing;
  return html`${flag(event.estimated, '', 'estimated', 'Will be replaced by the exact figure')}${flag(!event.priced, 'warn', 'unpriced', 'Counted, but not charged until a price is known')}${flag(event.corrects !== null, '', 'correction', 'Corrects an earlier event')}${flag(event.corrected_by.length > 0, '', 'corrected', 'A later event has corrected this one')}`;
}

export function entryTold(entry: LedgerEntry, { money }: Words): Told {
  const positive = !isNegative(entry.amount) && !isZero(entry.amount);
  return {
    at: entry.booked_at,
    title: html`<span class="name">${entry.text}</span>`,
    about: html`<span class="code">${entry.reference ?? entry.transaction_id}</span>`,
    quantity: '',
    amount: html`<span class=${positive ? 'in' : ''}>${money.amount(entry.amount, entry.unit, { signed: true })}</span>`,
  };
}

const facts = (rows: [string, unknown][]): TemplateResult =>
  html`<dl class="facts">${rows.filter(([, value]) => value !== null).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

const id = (value: string, label: string): TemplateResult =>
  html`<span class="code name">${value}</span><toll-copy .text=${value} label=${label}></toll-copy>`;

export function entryDetail(entry: LedgerEntry, { money, dates }: Words): TemplateResult {
  const effect = (amount: string): string | null =>
    isZero(amount) ? null : money.amount(amount, entry.unit, { signed: true, exact: true });
  const service =
    entry.service_from && entry.service_to && entry.events
      ? `${dates.second(entry.service_from)} – ${dates.second(entry.service_to)}`
      : null;
  return facts([
    ['Booked', dates.second(entry.booked_at)],
    ['For usage of', service],
    ['Events', entry.events ? money.quantity(String(entry.events)) : null],
    ['Prepaid value', effect(entry.wallet)],
    ['Owed', effect(entry.owed)],
    ['Reference', entry.reference ? id(entry.reference, 'reference') : null],
    ['Transaction', id(entry.transaction_id, 'transaction')],
    ['Line', String(entry.line)],
  ]);
}

export function eventDetail(
  event: UsageEvent,
  found: Explanation | Problem | undefined,
  words: Words,
  again: () => void,
): TemplateResult {
  if (found instanceof Error)
    return html`<p class="notice" role="status"><span>${found.detail}</span><button class="button" @click=${again}>Try again</button></p>`;
  if (!found)
    return html`<span class="hidden" role="status">Loading</span>${[60, 82, 44].map((width) => html`<span class="bone" .style=${`inline-size:${width}%;margin-block:8px`}></span>`)}`;
  // The sum stands below them, in the customer's own form.
  const steps = found.steps.filter(({ name }) => name !== 'charge' || found.charge === null);
  return html`<div class="two"><div>
      <h3 class="sub">How the charge comes about</h3>
      <ol class="steps">${steps.map(({ text }) => html`<li>${words.money.sentence(text)}</li>`)}</ol>
      <p class="row result"><span>Charge</span><strong>${found.charge !== null && found.unit ? words.money.amount(found.charge, found.unit, { exact: true }) : 'No price yet'}</strong></p>
      ${payers(found, words)}
    </div><div>
      <h3 class="sub">Event</h3>
      ${eventFacts(event, found, words)}
    </div></div>`;
}

function payers({ charge, unit, paid }: Explanation, { money, dates }: Words): TemplateResult | typeof nothing {
  if (charge === null || !unit || (isZero(charge) && !paid.length)) return nothing;
  const rest = subtract(charge, sum(paid.filter((burn) => burn.unit === unit).map(({ amount }) => amount)));
  return html`<h3 class="sub">Who paid it</h3>
    <ul class="paid">
      ${paid.map(({ grant_id, amount, unit: of, at }) => html`<li class="row"><span title=${dates.second(at)}>${isNegative(amount) ? 'Given back to' : 'Prepaid value'} <span class="code" title=${grant_id}>…${grant_id.slice(-8)}</span><toll-copy .text=${grant_id} label="grant"></toll-copy></span><span class="figure">${money.amount(amount, of, { exact: true })}</span></li>`)}
      ${isZero(rest) ? nothing : html`<li class="row"><span>${isNegative(rest) ? 'Credited on the account' : 'Owed, not prepaid'}</span><span class="figure">${money.amount(rest, unit, { exact: true })}</span></li>`}
    </ul>`;
}

function eventFacts(event: UsageEvent, found: Explanation, { dates, money, session }: Words): TemplateResult {
  const unit = session.meters.find(({ key }) => key === event.meter)?.unit ?? null;
  const measured = money.quantity(event.quantity, unit, { exact: true });
  const billed = money.quantity(event.billed, unit, { exact: true });
  const state = !event.priced ? 'Unpriced: not charged yet' : event.estimated ? 'Estimated: may still change' : 'Final';
  return facts([
    ['Used', dates.second(event.time)],
    ['Recorded', dates.second(event.recorded_at)],
    ['Quantity', measured === billed ? measured : `${measured}, billed as ${billed}`],
    ['Figure', state],
    ['Price since', found.price_from ? dates.date(found.price_from) : null],
    ['Corrects', event.corrects ? id(event.corrects, 'corrected event') : null],
    ...event.corrected_by.map((each): [string, unknown] => ['Corrected by', id(each, 'correction')]),
    ['Event', id(event.id, 'event id')],
    ['Transaction', event.transaction_id ? id(event.transaction_id, 'transaction') : null],
  ]);
}

export const lineStyles = css`
  .list { margin: 0 calc(var(--_gap) * -1); padding: 0; list-style: none; }
  :host([plain]) .list { margin-inline: 0; }
  .day { padding: 14px var(--_gap) 6px; font-size: 12.5px; font-weight: 500; color: var(--_muted); border-block-end: 1px solid var(--_border); }
  .day:first-child { padding-block-start: 0; }
  .line { border-block-end: 1px solid var(--_border); }
  .line:last-child { border-block-end: 0; }
  .opener { display: grid; grid-template-columns: 16px minmax(0, 1fr) max-content minmax(92px, max-content) 74px; gap: 2px 12px; align-items: baseline; inline-size: 100%; padding: 10px var(--_gap); border: 0; background: none; text-align: start; cursor: pointer; font-size: 13.5px; }
  .opener:hover { background: var(--_subtle); }
  .opener:focus-visible { outline-offset: -3px; }
  .opener > svg { align-self: start; margin-block-start: 2px; color: var(--_muted); transition: transform 140ms; }
  .opener[aria-expanded="true"] > svg { transform: rotate(90deg); }
  .what { min-inline-size: 0; }
  .title { display: flex; flex-wrap: wrap; gap: 3px 7px; font-weight: 500; }
  .about { display: flex; flex-wrap: wrap; gap: 0 12px; color: var(--_muted); font-size: 12.5px; margin-block-start: 1px; overflow-wrap: anywhere; }
  .fact bdi { color: var(--_text); }
  .quantity, .at { color: var(--_muted); }
  .quantity, .amount, .at { text-align: end; font-variant-numeric: tabular-nums; }
  .amount { font-weight: 600; } .amount .in { color: var(--_good); }
  .fresh > .opener { animation: fresh 2.4s ease-out; }
  .fresh .title::after { content: "new"; padding: 1px 7px; border-radius: 99px; font-size: 12px; line-height: 18px; background: var(--_accent-soft); color: var(--_accent); }
  @keyframes fresh { from { background: var(--_accent-soft); } }
  .detail { padding: 16px var(--_gap) 18px calc(var(--_gap) + 28px); background: var(--_subtle); border-block-start: 1px solid var(--_border); font-size: 13px; }
  .two { display: grid; grid-template-columns: minmax(0, 1.1fr) minmax(0, 1fr); gap: 20px 36px; }
  .sub { margin: 0 0 6px; font-size: 12.5px; }
  .steps { margin: 0; padding: 0; list-style: none; counter-reset: step; display: grid; gap: 5px; }
  .steps li { counter-increment: step; display: grid; grid-template-columns: 18px minmax(0, 1fr); gap: 6px; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
  .steps li::before { content: counter(step); color: var(--_muted); text-align: end; }
  .result { margin-block: 10px 14px; padding-block-start: 8px; border-block-start: 1px solid var(--_border-strong); font-variant-numeric: tabular-nums; }
  .facts { display: grid; gap: 4px; }
  .facts > div { display: grid; grid-template-columns: 96px minmax(0, 1fr); gap: 10px; align-items: baseline; }
  dt { color: var(--_muted); } dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
  .news { position: sticky; inset-block-start: 8px; z-index: 2; display: flex; justify-content: center; block-size: 0; overflow: visible; }
  .news .button { block-size: 32px; box-shadow: 0 1px 0 var(--_border); border-radius: 99px; }
  .more { display: flex; justify-content: center; align-items: center; gap: 12px; margin-block-start: 14px; }
  @container (max-width: 620px) {
    .opener { grid-template-columns: 16px minmax(0, 1fr) max-content; }
    .opener > svg { grid-area: 1 / 1; } .what { grid-area: 1 / 2 / span 2; } .at { grid-area: 3 / 2; text-align: start; font-size: 12.5px; }
    .amount { grid-area: 1 / 3; } .quantity { grid-area: 2 / 3; font-size: 12.5px; align-self: start; }
    .detail { padding-inline: var(--_gap); } .two { grid-template-columns: minmax(0, 1fr); }
  }
`;
