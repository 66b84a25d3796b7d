import {
  css,
  html,
  LitElement,
  nothing,
  type PropertyValues,
  type SVGTemplateResult,
  svg,
  type TemplateResult,
} from 'lit';
import { property, state } from 'lit/decorators.js';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { sum, text } from './decimal.ts';
import { largest, marks, merged, type Piece, type Point, type Series, stacked } from './scale.ts';
import { base } from './theme.ts';

const COLOURS = 8;
const BELOW = 26;
const ABOVE = 10;
/** The tooltip's width. */
const TIP = 224;

/** Drawn over a colour, so that series can be told apart without it. */
const PATTERNS: (SVGTemplateResult | typeof nothing)[] = [
  nothing,
  svg`<path d="M-1 7 7 -1M-1 1 1 -1M5 7 7 5" />`,
  svg`<path d="M0 3h6" />`,
  svg`<circle cx="3" cy="3" r="0.9" fill="var(--_surface)" stroke="none" />`,
  svg`<path d="M-1 -1 7 7M5 -1 7 1M-1 5 1 7" />`,
  svg`<path d="M3 0v6" />`,
  svg`<path d="M0 3h6M3 0v6" />`,
  svg`<path d="M0 0 6 6M6 0 0 6" />`,
];

interface Layout {
  points: Point[];
  series: Series[];
  pieces: Piece[][];
  ticks: number[];
  left: number;
  slot: number;
  y: (value: number) => number;
}

/**
 * Stacked bars over days. The same figures stand in a table that only screen readers see; arrow keys walk the days.
 *
 * @element toll-chart
 * @csspart legend - the names, which show and hide their series
 * @csspart tooltip - the figures of one day
 */
export class TollChart extends LitElement {
  @property({ attribute: false }) points: readonly Point[] = [];
  @property({ attribute: false }) series: readonly Series[] = [];
  /** A value for the tooltip and the hidden table. */
  @property({ attribute: false }) format: (value: string) => string = (value) => value;
  /** A value for the axis, where there's little room. */
  @property({ attribute: false }) short: (value: string) => string = (value) => value;
  /** What the chart is of. */
  @property() caption = '';
  /** Pixels. */
  @property({ type: Number }) height = 220;
  @state() private off = new Set<string>();
  @state() private active: number | null = null;
  @state() private width = 640;
  private spoken = false;
  private layout: Layout = this.arranged();
  private readonly sizes = new ResizeObserver(([entry]) => {
    this.width = Math.max(200, Math.floor(entry!.contentRect.width));
  });

  static override styles = [
    base,
    css`
      :host { position: relative; }
      .plot { position: relative; outline-offset: 4px; }
      svg.bars { display: block; inline-size: 100%; touch-action: pan-y; overflow: visible; }
      .axis { fill: var(--_muted); font-size: 11.5px; font-variant-numeric: tabular-nums; }
      .grid { stroke: var(--_border); stroke-width: 1; shape-rendering: crispEdges; }
      .grid.zero { stroke: var(--_border-strong); }
      .here { fill: var(--_subtle); }
      .tip { position: absolute; inset-block-start: 0; left: 0; z-index: 3; inline-size: 224px; padding: 9px 11px; pointer-events: none; background: var(--_surface); border: 1px solid var(--_border-strong); border-radius: var(--_radius-small); font-size: 12.5px; }
      .tip strong { display: block; font-weight: 600; margin-block-end: 5px; }
      .tip .row { gap: 14px; line-height: 1.65; align-items: center; }
      .tip .sum { border-block-start: 1px solid var(--_border); margin-block-start: 5px; padding-block-start: 4px; font-weight: 600; }
      .label { display: inline-flex; align-items: center; gap: 7px; min-inline-size: 0; overflow-wrap: anywhere; }
      .swatch { flex: none; display: block; inline-size: 11px; block-size: 11px; border-radius: 3px; overflow: hidden; }
      .legend { display: flex; flex-wrap: wrap; gap: 2px 4px; margin-block-start: 10px; margin-inline-start: -8px; }
      .legend button { display: inline-flex; align-items: center; min-block-size: 26px; padding: 2px 8px; border: 0; border-radius: var(--_radius-small); background: none; font-size: 12.5px; color: var(--_text); cursor: pointer; text-align: start; }
      .legend button:hover { background: var(--_subtle); }
      .legend button[aria-pressed="false"] { color: var(--_muted); text-decoration: line-through; }
      .legend button[aria-pressed="false"] .swatch { opacity: 0.3; }
      @media (pointer: coarse) { .legend button { min-block-size: 36px; } }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.sizes.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sizes.disconnect();
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.size > 1 || !changed.has('active')) this.layout = this.arranged();
    if (this.active !== null && this.active >= this.layout.points.length) this.active = null;
  }

  protected override render(): TemplateResult {
    const { series } = this.layout;
    return html`<div
        class="plot"
        role="group"
        tabindex="0"
        aria-label="Chart: ${this.caption}. Arrow keys read it step by step."
        @keydown=${this.onKey}
        @blur=${() => this.show(null)}
        @pointermove=${this.onPoint}
        @pointerdown=${this.onPoint}
        @pointerleave=${() => this.show(null)}
      >
        ${this.drawing()} ${this.active === null ? nothing : this.tooltip(this.active)}
        <span class="hidden" role="status">${this.spoken && this.active !== null ? this.sentence(this.active) : ''}</span>
      </div>
      ${series.length > 1 ? this.legend(series) : nothing}
      ${guard([this.points, this.series, this.format], () => this.asTable())}`;
  }

  private arranged(): Layout {
    const few = largest(this.series, COLOURS, 'Other');
    const [points, series] = merged(this.points, few, this.width - 48);
    const pieces = stacked(series, this.off, points.length);
    const ends = pieces.flat().map((piece) => piece.to);
    const ticks = marks(Math.min(0, ...ends), Math.max(0, ...ends), this.height < 160 ? 2 : 4);
    const longest = Math.max(...ticks.map((tick) => this.short(String(tick)).length));
    const left = Math.max(24, longest * 6.6 + 10);
    const [low, high] = [ticks[0]!, ticks.at(-1)!];
    const room = this.height - ABOVE - BELOW;
    const y = (value: number): number => ABOVE + room * (1 - (value - low) / (high - low));
    return { points, series, pieces, ticks, left, y, slot: (this.width - left) / Math.max(1, points.length) };
  }

  private drawing(): TemplateResult {
    const { ticks, left, y, slot, points, pieces } = this.layout;
    const here =
      this.active === null
        ? nothing
        : svg`<rect class="here" x=${left + this.active * slot} y=${ABOVE} width=${slot} height=${this.height - ABOVE - BELOW} />`;
    const grid = ticks.map(
      (
        tick,
      ) => svg`<line class=${tick === 0 ? 'grid zero' : 'grid'} x1=${left} x2=${this.width} y1=${y(tick)} y2=${y(tick)} />
        <text class="axis" x=${left - 8} y=${y(tick) + 4} text-anchor="end">${this.short(String(tick))}</text>`,
    );
    const every = Math.max(1, Math.ceil(68 / slot));
    const labels = points.map((point, index) =>
      (points.length - 1 - index) % every === 0 && left + index * slot + slot / 2 > left + 16
        ? svg`<text class="axis" x=${Math.min(left + (index + 0.5) * slot, this.width - 20)} y=${this.height - 8} text-anchor="middle">${point.label}</text>`
        : nothing,
    );
    return html`<svg class="bars" height=${this.height} viewBox="0 0 ${this.width} ${this.height}" aria-hidden="true">
      ${svg`<defs>${PATTERNS.map(pattern)}</defs>${here}${grid}${labels}`}
      ${svg`${repeat(
        pieces,
        (_, index) => points[index]!.key,
        (column, index) => svg`<g>${this.bar(column, index)}</g>`,
      )}`}
    </svg>`;
  }

  private bar(column: Piece[], index: number): SVGTemplateResult[] {
    const { left, slot, y } = this.layout;
    const width = Math.max(1.5, Math.min(34, slot * 0.72));
    const x = left + index * slot + (slot - width) / 2;
    const top = Math.max(...column.map((piece) => piece.to));
    return column.map((piece) => {
      const [from, to] = [Math.max(y(piece.from), y(piece.to)), Math.min(y(piece.from), y(piece.to))];
      // A hair between neighbours, as long as something of the piece remains.
      const gap = from - to > 3 && piece.from !== 0 ? 1 : 0;
      const round = piece.to === top && piece.to > 0 ? Math.min(3, width / 3, from - to) : 0;
      const [low, height] = [from - gap, Math.max(0.75, from - gap - to)];
      const path = `M${x} ${low}v${-(height - round)}q0 ${-round} ${round} ${-round}h${width - 2 * round}q${round} 0 ${round} ${round}v${height - round}z`;
      return svg`<path d=${path} fill=${`url(#p${piece.series})`} />`;
    });
  }

  private tooltip(index: number): TemplateResult {
    const { points, series, left, slot } = this.layout;
    const rows = series
      .map((each, place) => ({ each, place, value: each.values[index] ?? '0' }))
      .filter(({ each, value }) => !this.off.has(each.key) && Number(value) !== 0);
    const centre = left + (index + 0.5) * slot;
    const before = centre > this.width / 2;
    const wanted = before ? centre - slot / 2 - 8 - TIP : centre + slot / 2 + 8;
    const place = `${Math.max(0, Math.min(this.width - TIP, wanted))}px`;
    return html`<div class="tip" part="tooltip" aria-hidden="true" .style=${`transform:translateX(${place})`}>
      <strong>${points[index]!.long}</strong>
      ${rows.map(({ each, place, value }) => html`<div class="row"><span class="label">${swatch(place)}${each.name}</span><span class="figure">${this.format(value)}</span></div>`)}
      ${rows.length === 1 ? nothing : html`<div class="row ${rows.length ? 'sum' : ''}"><span>${rows.length ? 'Total' : 'Nothing'}</span><span class="figure">${this.format(this.total(index))}</span></div>`}
    </div>`;
  }

  private sentence(index: number): string {
    const { points, series } = this.layout;
    const parts = series
      .filter((each) => !this.off.has(each.key) && Number(each.values[index]) !== 0)
      .map((each) => `${each.name} ${this.format(each.values[index]!)}`);
    return `${points[index]!.long}: ${[this.format(this.total(index)), ...(parts.length > 1 ? parts : [])].join(', ')}`;
  }

  private total(index: number): string {
    const shown = this.layout.series.filter((each) => !this.off.has(each.key));
    return text(sum(shown.map((each) => each.values[index] ?? '0')));
  }

  private legend(series: Series[]): TemplateResult {
    return html`<div class="legend" part="legend" role="group" aria-label="Shown in the chart">
      ${series.map((each, place) => html`<button aria-pressed=${!this.off.has(each.key)} @click=${() => this.toggle(each.key)}><span class="label">${swatch(place)}${each.name}</span></button>`)}
    </div>`;
  }

  private asTable(): TemplateResult {
    return html`<div class="hidden"><table>
      <caption>${this.caption}</caption>
      <thead><tr><th scope="col">Day</th>${this.series.map((each) => html`<th scope="col">${each.name}</th>`)}</tr></thead>
      <tbody>
        ${this.points.map((point, index) => html`<tr><th scope="row">${point.long}</th>${this.series.map((each) => html`<td>${this.format(each.values[index] ?? '0')}</td>`)}</tr>`)}
      </tbody>
    </table></div>`;
  }

  private toggle(key: string): void {
    const hidden = new Set(this.off);
    if (!hidden.delete(key)) hidden.add(key);
    this.off = hidden;
  }

  private show(index: number | null, spoken = false): void {
    this.spoken = spoken;
    this.active = index;
  }

  private readonly onPoint = (event: PointerEvent): void => {
    const plot = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const index = Math.floor((event.clientX - plot.left - this.layout.left) / this.layout.slot);
    this.show(index >= 0 && index < this.layout.points.length ? index : null);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const last = this.layout.points.length - 1;
    const at = this.active ?? last + 1;
    const next = { ArrowLeft: at - 1, ArrowRight: this.active === null ? 0 : at + 1, Home: 0, End: last, Escape: null }[
      event.key
    ];
    if (next === undefined || last < 0) return;
    event.preventDefault();
    this.show(next === null ? null : Math.max(0, Math.min(last, next)), true);
  };
}

const colour = (index: number): string => `var(--_series-${(index % COLOURS) + 1})`;

const pattern = (lines: SVGTemplateResult | typeof nothing, index: number): SVGTemplateResult =>
  svg`<pattern id=${`p${index}`} width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill=${colour(index)} /><g stroke="var(--_surface)" stroke-width="1" stroke-opacity="0.38" fill-opacity="0.5">${lines}</g></pattern>`;

/** A series' colour and pattern, small, beside its name. */
const swatch = (index: number): TemplateResult =>
  html`<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" fill=${`url(#p${index})`} /></svg>`;
