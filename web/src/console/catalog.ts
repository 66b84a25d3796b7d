/** The catalog: what's in force, its history, and changing it. */
import { type Column, css, html, icon, nothing, state, type TemplateResult } from 'tollkeeper';
import { app, badge } from './app.ts';
import { empty, lines, Pages, rowsOfBones } from './load.ts';
import { look, panel, table, tile, View } from './look.ts';
import { to, toCustomer } from './router.ts';
import type { Catalog, Change, Meter, Page, Plan, Price, Version } from './types.ts';

const TABS = [
  ['', 'In force'],
  ['history', 'History'],
  ['change', 'Change it'],
] as const;
const MARKS = { add: ['New', 'good'], change: ['Changed', 'accent'], remove: ['Removed', 'bad'] } as const;

/** Changes in words, each with what kind it is. */
export const changeList = (changes: readonly Change[]): TemplateResult =>
  html`<ul class="changes">${changes.map(({ kind, text, effective_from }) => html`<li>${badge(MARKS[kind][0], MARKS[kind][1])}<span>${text}${effective_from && Date.parse(effective_from) > Date.now() ? html` <span class="muted">from ${app.time(effective_from)}</span>` : nothing}</span></li>`)}</ul>`;

export const changeStyles = css`
  .changes { list-style: none; margin: 0; padding: 0; display: grid; gap: 7px; }
  .changes li { display: flex; gap: 10px; align-items: baseline; min-inline-size: 0; overflow-wrap: anywhere; }
  .changes .badge { flex: none; min-inline-size: 66px; justify-content: center; }
`;

export class CatalogPage extends View {
  @state() private sources = new Map<number, string | Error>();
  private readonly versions = new Pages<Version>(
    this,
    (cursor) => app.client.get('/v1/catalog/history', { limit: 25, cursor }),
    () => `${app.catalog.version}`,
  );

  static override styles = [
    look,
    changeStyles,
    css`.version { padding: 12px 0; border-block-end: 1px solid var(--_border); } .version:last-child { border: 0; } .version summary { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; cursor: pointer; } .version summary svg { align-self: center; color: var(--_muted); transition: transform 140ms; } .version[open] summary svg { transform: rotate(90deg); } .version summary .muted { font-size: 13px; } .version summary::-webkit-details-marker { display: none; } .version .changes { margin-block: 12px; } .version[open] summary { margin-block-end: 4px; }`,
  ];

  protected override render(): TemplateResult {
    const tab = app.router.value('tab');
    return html`<div class="top"><div><h1>Catalog</h1><p>Version ${app.catalog.version} is in force.</p></div>
        ${tab === 'change' ? nothing : html`<div class="actions"><a class="button primary" href="${to('catalog')}?tab=change">Change the catalog</a></div>`}</div>
      <nav class="tabs" aria-label="Catalog">${TABS.map(([key, name]) => html`<a href="${to('catalog')}${key && `?tab=${key}`}" aria-current=${key === tab ? 'page' : nothing}>${name}</a>`)}</nav>
      ${tab === 'history' ? this.versions.render((page) => this.history(page), rowsOfBones(5)) : tab === 'change' ? html`<console-catalog-change @catalog-applied=${() => this.requestUpdate()}></console-catalog-change>` : this.inForce(app.catalog)}`;
  }

  private inForce(catalog: Catalog): TemplateResult {
    if (!catalog.version)
      return empty(
        'No catalog yet',
        html`Meters and prices are declared in one file. <a href="${to('catalog')}?tab=change">Paste yours</a>`,
      );
    const own = catalog.prices.filter(({ customer }) => customer);
    return html`<div class="stack">
      <dl class="tiles">${tile('Currency', catalog.currency)}${tile('Meters', catalog.meters.length)}${tile('Plans', catalog.plans.length)}${tile('Credits', catalog.units.map(({ name }) => name).join(', ') || '–')}</dl>
      ${panel(
        'Prices',
        this.prices(
          catalog.prices.filter(({ customer }) => !customer),
          'Prices for everyone',
        ),
      )}
      ${own.length ? panel('Prices of single customers', this.prices(own, 'Prices of single customers')) : nothing}
      ${catalog.plans.length ? panel('Plans', this.plans(catalog.plans)) : nothing}
      ${panel('Meters', this.meters(catalog.meters))}
      ${catalog.limits.length ? panel('Limits for everyone', html`<ul class="plain">${catalog.limits.map(({ name, words }) => html`<li>${name}: ${words}</li>`)}</ul>`) : nothing}
    </div>`;
  }

  private prices(prices: Price[], caption: string): unknown {
    const columns: Column<Price>[] = [
      { key: 'meter', title: 'Meter', value: ({ meter }) => meter, cell: ({ meter }) => app.meterName(meter) },
      {
        key: 'words',
        title: 'Price',
        value: ({ words }) => words,
        cell: ({ words }) => html`<span class="wrap">${words}</span>`,
      },
      ...(prices.some(({ customer }) => customer)
        ? [
            {
              key: 'customer',
              title: 'Customer',
              value: ({ customer }: Price) => customer ?? '',
              cell: ({ customer }: Price) => html`<a href=${toCustomer(customer ?? '')}>${customer}</a>`,
            },
          ]
        : []),
      {
        key: 'from',
        title: 'From',
        value: ({ from }) => from ?? '',
        cell: ({ from, scheduled }) =>
          html`${app.time(from, 'the beginning')} ${scheduled ? badge('Scheduled', 'accent') : nothing}`,
      },
    ];
    return table({
      caption,
      columns,
      rows: prices,
      key: ({ price_id, meter, customer }) => `${price_id}${meter}${customer}`,
      file: 'prices.csv',
    });
  }

  private plans(plans: Plan[]): unknown {
    const columns: Column<Plan>[] = [
      {
        key: 'name',
        title: 'Plan',
        value: ({ name }) => name,
        cell: ({ key, name, description }) =>
          html`${name} ${key === app.catalog.default_plan ? badge('Default', 'accent') : nothing}<span class="sub">${description ?? key}</span>`,
      },
      {
        key: 'prices',
        title: 'Prices of its own',
        value: ({ prices }) => prices.map(({ words }) => words).join('; '),
        cell: ({ prices }) => texts(prices.map(({ meter, words }) => `${app.meterName(meter)}: ${words}`)),
      },
      {
        key: 'limits',
        title: 'Limits',
        value: ({ limits }) => limits.map(({ words }) => words).join('; '),
        cell: ({ limits }) => texts(limits.map(({ name, words }) => `${name}: ${words}`)),
      },
      {
        key: 'grants',
        title: 'Gives',
        value: ({ grants }) => grants.map(({ words }) => words).join('; '),
        cell: ({ grants }) => texts(grants.map(({ words }) => words)),
      },
    ];
    return table({ caption: 'Plans', columns, rows: plans, key: ({ key }) => key, file: 'plans.csv' });
  }

  private meters(meters: Meter[]): unknown {
    const columns: Column<Meter>[] = [
      {
        key: 'name',
        title: 'Meter',
        value: ({ name }) => name,
        cell: ({ key, name }) => html`${name}<span class="sub code">${key}</span>`,
      },
      { key: 'unit', title: 'Unit', value: ({ unit }) => unit },
      { key: 'aggregation', title: 'Counted as', value: ({ aggregation }) => aggregation.replaceAll('_', ' ') },
      {
        key: 'dimensions',
        title: 'Dimensions',
        value: ({ dimensions }) => dimensions.join(', '),
        cell: ({ dimensions }) => dimensions.join(', ') || '–',
      },
      { key: 'expiry', title: 'When a hold expires', value: ({ on_expiry }) => on_expiry.replaceAll('_', ' ') },
    ];
    return table({ caption: 'Meters', columns, rows: meters, key: ({ key }) => key, file: 'meters.csv' });
  }

  private history(page: Page<Version>): TemplateResult {
    if (!page.data.length) return empty('No version yet', 'What’s applied appears here, with who did it.');
    return html`<section class="panel flush" aria-label="Versions">
      ${page.data.map(
        (
          version,
        ) => html`<details class="version" @toggle=${(event: Event) => (event.target as HTMLDetailsElement).open && void this.read(version.version)}>
        <summary>${icon('chevron')}<strong>Version ${version.version}</strong><span class="muted">${app.time(version.applied_at)} by ${version.applied_by} · ${version.summary.length} ${version.summary.length === 1 ? 'change' : 'changes'}</span></summary>
        ${changeList(version.summary)} ${this.source(version.version)}
      </details>`,
      )}
      ${this.versions.pager()}
    </section>`;
  }

  private source(version: number): unknown {
    const said = this.sources.get(version);
    if (said === undefined) return lines(3);
    if (said instanceof Error) return html`<p>${said.message}</p>`;
    return html`<pre tabindex="0" aria-label="Text of version ${version}">${said}</pre>`;
  }

  private async read(version: number): Promise<void> {
    if (this.sources.has(version)) return;
    const said = await app.client.get<{ source: string }>(`/v1/catalog/history/${version}`).then(
      ({ source }) => source,
      (error: Error) => error,
    );
    this.sources = new Map(this.sources).set(version, said);
  }
}

const texts = (all: string[]): unknown =>
  all.length
    ? html`<span class="wrap">${all.map((each) => html`<div>${each}</div>`)}</span>`
    : html`<span class="muted">–</span>`;
