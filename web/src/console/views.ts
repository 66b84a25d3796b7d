/** All pages: their names in the navigation, their addresses, their elements. */
import { html, repeat, type TemplateResult } from 'tollkeeper';
import { CatalogPage } from './catalog.ts';
import { CatalogChange } from './catalog-change.ts';
import { CustomerPage } from './customer.ts';
import { CustomerAccess } from './customer-access.ts';
import { CustomerEvents } from './customer-events.ts';
import { CustomerLimits } from './customer-limits.ts';
import { CustomerMembers, CustomerPlan } from './customer-plan.ts';
import { CustomerSuggestions } from './customer-suggestions.ts';
import { CustomerValue } from './customer-value.ts';
import { CustomersPage } from './customers.ts';
import { HealthPage } from './health.ts';
import { HoldsPage } from './holds.ts';
import { HomePage } from './home.ts';
import { KeysPage } from './keys.ts';
import { MarginsPage } from './margins.ts';
import { QuarantinePage } from './quarantine.ts';
import { ReconciliationPage } from './reconciliation.ts';
import type { Place } from './router.ts';
import type { Summary } from './types.ts';
import { UnpricedPage } from './unpriced.ts';

export const VIEWS: Record<string, CustomElementConstructor> = {
  'console-home': HomePage,
  'console-customers': CustomersPage,
  'console-customer': CustomerPage,
  'console-customer-value': CustomerValue,
  'console-customer-limits': CustomerLimits,
  'console-customer-plan': CustomerPlan,
  'console-customer-members': CustomerMembers,
  'console-customer-events': CustomerEvents,
  'console-customer-access': CustomerAccess,
  'console-customer-suggestions': CustomerSuggestions,
  'console-margins': MarginsPage,
  'console-unpriced': UnpricedPage,
  'console-quarantine': QuarantinePage,
  'console-reconciliation': ReconciliationPage,
  'console-holds': HoldsPage,
  'console-catalog': CatalogPage,
  'console-catalog-change': CatalogChange,
  'console-keys': KeysPage,
  'console-health': HealthPage,
};

interface PageEntry {
  path: string;
  name: string;
  view: () => TemplateResult;
  /** How many things wait there. */
  counted?: (summary: Summary) => number;
}

export const SECTIONS: { name: string; pages: PageEntry[] }[] = [
  {
    name: '',
    pages: [
      { path: '', name: 'Home', view: () => html`<console-home></console-home>` },
      { path: 'customers', name: 'Customers', view: () => html`<console-customers></console-customers>` },
      { path: 'margins', name: 'Margins', view: () => html`<console-margins></console-margins>` },
    ],
  },
  {
    name: 'Needs attention',
    pages: [
      {
        path: 'unpriced',
        name: 'Unpriced usage',
        view: () => html`<console-unpriced></console-unpriced>`,
        counted: ({ unpriced }) => unpriced,
      },
      {
        path: 'quarantine',
        name: 'Quarantine',
        view: () => html`<console-quarantine></console-quarantine>`,
        counted: ({ quarantine }) => quarantine,
      },
      {
        path: 'holds',
        name: 'Holds',
        view: () => html`<console-holds></console-holds>`,
        counted: ({ holds_in_doubt }) => holds_in_doubt,
      },
      {
        path: 'reconciliation',
        name: 'Reconciliation',
        view: () => html`<console-reconciliation></console-reconciliation>`,
        counted: ({ findings }) => findings,
      },
    ],
  },
  {
    name: 'Setup',
    pages: [
      { path: 'catalog', name: 'Catalog', view: () => html`<console-catalog></console-catalog>` },
      { path: 'keys', name: 'API keys', view: () => html`<console-keys></console-keys>` },
      { path: 'health', name: 'System health', view: () => html`<console-health></console-health>` },
    ],
  },
];

/** The page of a place, or null where there's none. `section` is the entry of the navigation that it belongs to. */
export function pageAt(place: Place): { section: string; title: string; view: () => TemplateResult } | null {
  const [section = '', key, ...rest] = place.path;
  if (section === 'customers' && key !== undefined && !rest.length) {
    // Another customer gets another element: nothing of one may stand on the other's page, not even while it loads.
    const page = (one: string): TemplateResult => html`<console-customer .customer=${one}></console-customer>`;
    return { section, title: key, view: () => html`${repeat([key], (one) => one, page)}` };
  }
  if (key !== undefined) return null;
  const found = SECTIONS.flatMap(({ pages }) => pages).find(({ path }) => path === section);
  return found ? { section, title: found.name, view: found.view } : null;
}
