/** The dialog of a purchase, by its step. */
import { html, nothing, type TemplateResult } from 'lit';
import { compare, isZero } from '../core/decimal.ts';
import { icon } from '../core/icons.ts';
import type { Money } from '../core/money.ts';
import type { TopUp, TopUpState } from '../core/types.ts';
import { type Checkout, type Order, type Purchase, webAddress } from './checkout.ts';

interface Shown {
  checkout: Checkout;
  money: Money;
  /** Payments are only pretended. */
  test: boolean;
  /** What the customer has since it was paid; null while that isn't known. */
  available: (topUp: TopUp) => string | null;
  close: () => void;
}

interface Step {
  heading: string;
  content: TemplateResult;
  actions: TemplateResult;
}

const STEPS: Record<Order['step'], (order: Order, shown: Shown) => Step> = {
  confirm,
  test: testPayment,
  waiting,
  ended,
};

export function orderDialog(order: Order, shown: Shown): TemplateResult {
  const { heading, content, actions } = STEPS[order.step](order, shown);
  const { problem } = order;
  return html`<toll-dialog exportparts="dialog" heading=${heading} ?busy=${order.busy} @toll-close=${() => shown.checkout.leave()}>
    ${content}
    ${problem ? html`<p class="problem" role="alert">${icon('alert')}<span>${problem}</span></p>` : nothing}
    ${actions}
  </toll-dialog>`;
}

/** `50 interview credits + 10 bonus` */
export function whatIsBought(
  money: Money,
  { unit, amount, bonus }: Pick<Purchase, 'unit' | 'amount' | 'bonus'>,
): string {
  const bought = money.amount(amount, unit);
  return bonus && !isZero(bonus) ? `${bought} + ${money.parts(bonus, unit).number} bonus` : bought;
}

/** Money bought for as much money: its price needn't be said. */
export const isAtPar = ({
  unit,
  amount,
  price,
  currency,
}: Pick<Purchase, 'unit' | 'amount' | 'price' | 'currency'>): boolean =>
  unit === currency && compare(amount, price) === 0;

/** The offer that a top-up was begun with. */
export function purchaseOf({ unit, amount, bonus, price, currency, pack }: TopUp): Purchase {
  return { unit, amount, bonus, price, currency, pack, name: null, expiresAfter: null };
}

const button = (label: string, press: () => void, busy: boolean, kind = ''): TemplateResult =>
  html`<button slot="actions" class="button ${kind}" aria-disabled=${busy} @click=${() => busy || press()}>${label}</button>`;

function confirm(order: Order, { checkout, money, test, close }: Shown): Step {
  const { purchase, busy } = order;
  const next = test ? 'Continue to test payment' : 'Continue to payment';
  return {
    heading: `Buy ${purchase.name ?? money.amount(purchase.amount, purchase.unit)}?`,
    content: summary(purchase, money),
    actions: html`${button('Cancel', close, busy)}
      ${button(busy ? 'One moment …' : next, () => void checkout.begin(test), busy, 'primary')}`,
  };
}

function summary(purchase: Purchase, money: Money): TemplateResult {
  const fact = (name: string, value: string, kind = ''): TemplateResult =>
    html`<div class="row ${kind}"><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<dl class="summary">
    ${fact('You get', whatIsBought(money, purchase))}
    ${purchase.expiresAfter ? fact('Can be spent for', purchase.expiresAfter) : nothing}
    ${fact('You pay', money.amount(purchase.price, purchase.currency), 'pay')}
  </dl>`;
}

function testPayment(order: Order, { checkout, money }: Shown): Step {
  const { purchase, busy } = order;
  const price = money.amount(purchase.price, purchase.currency);
  return {
    heading: 'Test payment',
    content: html`<div class="test">
        <strong>${icon('alert')}No money moves</strong>
        <p>This server only pretends payments. How is this one to end?</p>
      </div>
      ${summary(purchase, money)}`,
    actions: html`${button('Decline', () => void checkout.payTest('failed'), busy)}
      ${button(busy ? 'Paying …' : `Pay ${price}`, () => void checkout.payTest('paid'), busy, 'primary')}`,
  };
}

function waiting(order: Order, { checkout, money, close }: Shown): Step {
  const { purchase, topUp, busy } = order;
  const url = webAddress(topUp?.checkout_url ?? null);
  return {
    heading: 'Waiting for the payment',
    content: html`<div class="outcome">
      <span class="mark"><span class="spinner"></span></span>
      <p class="what">${money.amount(purchase.price, purchase.currency)}</p>
      <p>${isAtPar(purchase) ? nothing : whatIsBought(money, purchase)}</p>
      <p class="muted">Pay on the payment page. This one notices when it’s done.</p>
    </div>`,
    actions: html`${button('Cancel payment', () => void checkout.cancel(), busy)} ${button('Close', close, busy)}
      ${url ? html`<a slot="actions" class="button primary" href=${url} target="_blank" rel="noopener">Open payment page ${icon('arrow')}</a>` : nothing}`,
  };
}

/** Icon, heading, and what is said of a top-up that has ended. */
const ENDS: Record<TopUpState, [string, string, string]> = {
  pending: ['clock', 'Waiting for the payment', ''],
  paid: ['check', 'Payment received', ''],
  failed: ['close', 'The payment failed', 'Nothing was added.'],
  cancelled: ['close', 'Payment cancelled', 'Nothing was added.'],
  expired: ['clock', 'Not paid in time', 'Nothing was added.'],
};

function ended(order: Order, { checkout, money, available, close }: Shown): Step {
  const { purchase, topUp } = order;
  const state = topUp?.state ?? 'pending';
  const [mark, heading, text] = ENDS[state];
  const paid = state === 'paid';
  const now = topUp && paid ? available(topUp) : null;
  return {
    heading,
    content: html`<div class="outcome ${state}">
      <span class="mark">${icon(mark)}</span>
      <p class="what">${whatIsBought(money, purchase)}</p>
      <p class="muted">${paid ? `Added to your balance.${now ? ` You have ${now} now.` : ''}` : text}</p>
    </div>`,
    actions: html`${paid ? nothing : button('Close', close, false)}
      ${paid ? button('Done', close, false, 'primary') : button('Try again', () => checkout.choose(purchase), false, 'primary')}`,
  };
}
