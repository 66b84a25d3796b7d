/** The registry: a widget is one file, and one line here. */
import { TollChart } from '../core/chart.ts';
import { TollCopy } from '../core/copy.ts';
import { TollDialog } from '../core/dialog.ts';
import { TollTable } from '../core/table.ts';
import { TollActivity } from './activity.ts';
import { TollAlerts } from './alerts.ts';
import { TollBalance } from './balance.ts';
import { TollBreakdown } from './breakdown.ts';
import { TollLimits } from './limits.ts';
import { TollPlans } from './plans.ts';
import { TollTopUp } from './top-up.ts';
import { TollUsage } from './usage.ts';

/** What customers see, in the order of the gallery. */
export const WIDGETS = {
  'toll-balance': TollBalance,
  'toll-usage': TollUsage,
  'toll-limits': TollLimits,
  'toll-breakdown': TollBreakdown,
  'toll-activity': TollActivity,
  'toll-plans': TollPlans,
  'toll-top-up': TollTopUp,
  'toll-alerts': TollAlerts,
} as const;

/** What widgets are made of; pages may use them too. */
export const PARTS = {
  'toll-chart': TollChart,
  'toll-dialog': TollDialog,
  'toll-table': TollTable,
  'toll-copy': TollCopy,
} as const;

type Instances<T extends Record<string, abstract new (...given: never[]) => unknown>> = {
  [Name in keyof T]: InstanceType<T[Name]>;
};

declare global {
  interface HTMLElementTagNameMap extends Instances<typeof WIDGETS>, Instances<typeof PARTS> {}
}

export function define(elements: Record<string, CustomElementConstructor> = { ...PARTS, ...WIDGETS }): void {
  for (const [name, element] of Object.entries(elements)) {
    // Two versions on one page: the first wins, as custom elements can't be taken back.
    if (!customElements.get(name)) customElements.define(name, element);
  }
}
