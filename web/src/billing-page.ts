/**
 * `billing-page.js`: the whole billing page as one element, over `tollkeeper.js`, which it loads from beside itself.
 *
 *     <script type="module" src="https://billing.example.com/billing-page.js"></script>
 *     <toll-billing-page token-url="/billing-token"></toll-billing-page>
 */
import { define } from 'tollkeeper';
import { BillingFilters } from './billing/filters.ts';
import { BillingGrants } from './billing/grants.ts';
import { BillingOverview } from './billing/overview.ts';
import { TollBillingPage } from './billing/page.ts';

export { away, otherLink, over, starting } from './billing/alone.ts';
export { aloneStyles } from './billing/look.ts';
export { persist } from './billing/watch.ts';
export { TollBillingPage };

define({
  'toll-billing-overview': BillingOverview,
  'toll-billing-filters': BillingFilters,
  'toll-billing-grants': BillingGrants,
  'toll-billing-page': TollBillingPage,
});

declare global {
  interface HTMLElementTagNameMap {
    'toll-billing-page': TollBillingPage;
  }
}
