import {
  choices,
  css,
  html,
  icon,
  nothing,
  type Portal,
  property,
  rangeControl,
  rangeStyles,
  repeat,
  state,
  type TemplateResult,
  TollElement,
  titled,
  words,
} from 'tollkeeper';
import { filterParts, withFilter } from './address.ts';

/** What can be filtered by one dimension; more than these are found by typing. */
const MOST_VALUES = 1000;

interface Found {
  dimension: string;
  values: string[];
}

/**
 * Range, meter, and values of any dimension.
 *
 * @fires toll-filter - `{range?, meter?, filters?}`: what was changed.
 */
export class BillingFilters extends TollElement<Found> {
  @property() range = '30';
  @property() meter: string | null = null;
  @property({ attribute: false }) filters: readonly string[] = [];
  @state() private chosen: string | null = null;

  protected readonly heading = 'Filters';
  protected override readonly asksAgainFor = ['range', 'chosen'];

  static override styles = [
    TollElement.styles,
    rangeStyles,
    css`
      form { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; min-block-size: 38px; }
      select.control, input.control { border-color: var(--_border); max-inline-size: 210px; }
      select.control:hover, input.control:hover { border-color: var(--_border-strong); }
      .by { display: inline-flex; }
      .by select { border-start-end-radius: 0; border-end-end-radius: 0; margin-inline-end: -1px; padding-inline-end: 4px; color: var(--_muted); }
      .by input { border-start-start-radius: 0; border-end-start-radius: 0; inline-size: 168px; }
      .by .label { display: inline-flex; align-items: center; padding-inline: 10px; border: 1px solid var(--_border); border-inline-end: 0; border-radius: var(--_radius-small) 0 0 var(--_radius-small); color: var(--_muted); font-size: 13.5px; background: var(--_surface); }
      .chips { display: flex; flex-wrap: wrap; gap: 6px; margin-block-start: 10px; }
      .chip { display: inline-flex; align-items: center; gap: 6px; min-block-size: 28px; padding: 2px 4px 2px 10px; border-radius: 99px; background: var(--_accent-soft); color: var(--_accent); font-size: 13px; overflow-wrap: anywhere; }
      .chip button { display: grid; place-items: center; inline-size: 22px; block-size: 22px; padding: 0; border: 0; border-radius: 50%; background: none; color: inherit; cursor: pointer; flex: none; }
      .chip button:hover { background: var(--_surface); }
      .chip svg { inline-size: 13px; block-size: 13px; }
      @container (max-width: 560px) { form > select.control, .by { flex: 1 1 100%; max-inline-size: none; } .by input.control { flex: 1; min-inline-size: 0; max-inline-size: none; } }
      @media print { form, .chip button { display: none; } }
    `,
  ];

  protected override async load(portal: Portal): Promise<Found> {
    const dimension = this.dimension;
    if (!dimension) return { dimension, values: [] };
    const interval = this.dates.interval(this.dates.range(this.range));
    const { rows } = await portal.usage({ ...interval, window: 'total', group_by: dimension });
    const values = [...new Set(rows.flatMap(({ group }) => group[dimension] ?? []))];
    return { dimension, values: values.sort(new Intl.Collator(this.locale, { numeric: true }).compare) };
  }

  /** The controls stand in every state, so that a filter can be undone. */
  protected override render(): TemplateResult {
    return this.view();
  }

  protected override view(): TemplateResult {
    if (!this.session)
      return html`<form aria-busy="true"><span class="bone" .style=${'inline-size:100%;block-size:34px'}></span></form>`;
    return html`<form aria-label="Filters" @submit=${(event: Event) => event.preventDefault()}>
        ${rangeControl(this.dates, this.dates.range(this.range), (range) => this.change({ range }))}
        ${this.session.meters.length > 1 ? this.meters() : nothing} ${this.dimension ? this.values() : nothing}
      </form>
      ${this.filters.length ? this.chips() : nothing}`;
  }

  private get dimensions(): string[] {
    return choices(this.session, null).filter((name) => name !== 'model');
  }

  private get dimension(): string {
    const { dimensions } = this;
    return this.chosen && dimensions.includes(this.chosen) ? this.chosen : (dimensions[0] ?? '');
  }

  private change(detail: { range?: string; meter?: string | null; filters?: string[] }): void {
    this.tell('toll-filter', detail);
  }

  private meters(): TemplateResult {
    const choose = (event: Event): void => this.change({ meter: (event.target as HTMLSelectElement).value || null });
    return html`<select class="control" aria-label="Type of usage" @change=${choose}>
      <option value="" ?selected=${!this.meter}>All usage</option>
      ${this.session.meters.map(({ key, name }) => html`<option value=${key} ?selected=${key === this.meter}>${name}</option>`)}
    </select>`;
  }

  private values(): TemplateResult {
    const { dimensions, dimension } = this;
    const known = this.data?.dimension === dimension ? this.data.values.slice(0, MOST_VALUES) : [];
    return html`<span class="by">
      ${
        dimensions.length > 1
          ? html`<select class="control" aria-label="Filter by" @change=${(event: Event) => {
              this.chosen = (event.target as HTMLSelectElement).value;
            }}>${dimensions.map((each) => html`<option value=${each} ?selected=${each === dimension}>${titled(each)}</option>`)}</select>`
          : html`<span class="label" aria-hidden="true">${titled(dimension)}</span>`
      }
      <input class="control" list="values" autocomplete="off" placeholder="Any ${words(dimension)}" aria-label="Only this ${words(dimension)}" @change=${this.add} />
      <datalist id="values">${known.map((value) => html`<option value=${value}></option>`)}</datalist>
    </span>`;
  }

  private readonly add = (event: Event): void => {
    const field = event.target as HTMLInputElement;
    const value = field.value.trim();
    if (!value) return;
    field.value = '';
    this.change({ filters: withFilter(this.filters, this.dimension, value) });
  };

  private chips(): TemplateResult {
    return html`<div class="chips" role="group" aria-label="Filters in force">
      ${repeat(
        this.filters,
        (filter) => filter,
        (filter) => {
          const [name, value] = filterParts(filter);
          const remove = (): void => this.change({ filters: withFilter(this.filters, name, null) });
          return html`<span class="chip"><span>${titled(name)}: <bdi>${value}</bdi></span><button aria-label="Remove the filter ${titled(name)}: ${value}" @click=${remove}>${icon('close')}</button></span>`;
        },
      )}
    </div>`;
  }
}
