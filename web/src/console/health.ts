/** How the system is: the process that answers, the database, and the work in the background. */
import { html, type TemplateResult } from 'tollkeeper';
import { app, badge } from './app.ts';
import { rowsOfBones, Task } from './load.ts';
import { facts, panel, tile, View } from './look.ts';
import type { Health } from './types.ts';

const EVERY = 15_000;
/** The sweep runs each few seconds; nothing for so long means that no process does it. */
const LATE = 120_000;

export class HealthPage extends View {
  private readonly health = new Task<Health>(this, () => app.client.get('/v1/console/health'));
  private timer: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.timer = setInterval(() => document.hidden || void this.health.run(), EVERY);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.timer);
  }

  protected override render(): TemplateResult {
    return html`<div class="top"><div><h1>System health</h1></div></div>${this.health.render((health) => this.view(health), rowsOfBones(6))}`;
  }

  private view(health: Health): TemplateResult {
    const { database } = health;
    const full = database.connections / database.most_connections;
    const current = database.migration === health.newest_migration;
    return html`<div class="stack">
      <dl class="tiles">
        ${tile('Background work', this.fresh(health, health.last_sweep_at), html`last sweep ${app.ago(health.last_sweep_at)}`)}
        ${tile('Console’s sums', this.fresh(health, health.figures_as_of), html`as of ${app.ago(health.figures_as_of)}`)}
        ${tile('Connections', full > 0.8 ? badge('Nearly full', 'warn') : badge('Enough', 'good'), `${database.connections} of ${database.most_connections}`)}
        ${tile('Migrations', current ? badge('Up to date', 'good') : badge('Differ', 'bad'), `${database.migration} applied, ${health.newest_migration} known`)}
      </dl>
      <div class="two">
        ${panel(
          'Server',
          facts([
            ['Version', health.version],
            ['Started', html`${app.time(health.started_at)} (${app.ago(health.started_at)})`],
            ['Workers', health.workers],
            ['Connections of this process', `${health.pool.open} open, ${health.pool.idle} idle`],
            ['Catalog', `Version ${health.catalog_version}`],
            ['Book of providers’ prices', html`<span class="code">${health.price_book}</span>`],
          ]),
        )}
        ${panel(
          'Database',
          facts([
            ['PostgreSQL', database.version],
            ['Size', bytes(database.bytes)],
            ['Connections', `${database.connections} of ${database.most_connections}`],
            ['Newest migration', database.migration],
          ]),
        )}
      </div>
      <p class="as-of">As of ${app.time(health.as_of)}, asked again each 15 seconds. Times are of ${app.dates.timezone}; point at one for UTC.</p>
    </div>`;
  }

  private fresh(health: Health, at: string | null): unknown {
    if (at === null) return badge('Not yet', 'warn');
    return Date.parse(health.as_of) - Date.parse(at) > LATE ? badge('Late', 'bad') : badge('Running', 'good');
  }
}

function bytes(size: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  const format = new Intl.NumberFormat(app.money.locale, {
    style: 'unit',
    unit: units[power],
    maximumFractionDigits: 1,
  });
  return format.format(size / 1000 ** power);
}
