/**
 * One purchase from the choice to its end, and the watch over purchases that wait to be paid. It only begins and watches: that
 * something was paid is the server's word alone.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { Portal } from '../core/api.ts';
import { Problem } from '../core/http.ts';
import type { TopUp } from '../core/types.ts';

/** What is bought. */
export interface Purchase {
  unit: string;
  amount: string;
  bonus: string | null;
  price: string;
  currency: string;
  /** The pack's key and name; null for an amount of one's own. */
  pack: string | null;
  name: string | null;
  expiresAfter: string | null;
}

export interface Order {
  purchase: Purchase;
  /** Chosen once per intention: whoever sends it twice buys once. */
  id: string;
  step: 'confirm' | 'test' | 'waiting' | 'ended';
  busy: boolean;
  problem: string | null;
  topUp: TopUp | null;
}

export interface CheckoutOptions {
  portal: () => Portal | null;
  /** Leave this page for the checkout instead of opening a tab. */
  sameTab: () => boolean;
  onEnded: (topUp: TopUp) => void;
  /** Replaced in tests. */
  open?: () => Window | null;
  leave?: (url: string) => void;
}

const SOONEST = 2_000;
const LATEST = 15_000;

export class Checkout implements ReactiveController {
  order: Order | null = null;
  private readonly watched = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private pause = SOONEST;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly options: CheckoutOptions,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener('visibilitychange', this.look);
    this.schedule();
  }

  hostDisconnected(): void {
    document.removeEventListener('visibilitychange', this.look);
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  choose(purchase: Purchase): void {
    this.become({ purchase, id: newId(), step: 'confirm', busy: false, problem: null, topUp: null });
  }

  /** Go on with one that waits. */
  resume(topUp: TopUp, purchase: Purchase): void {
    const step = topUp.test ? 'test' : 'waiting';
    this.become({ purchase, id: topUp.id, step, busy: false, problem: null, topUp });
  }

  leave(): void {
    this.become(null);
  }

  /** Have the server begin it, and the customer led to where it's paid. */
  async begin(test: boolean): Promise<void> {
    const { order } = this;
    if (!order || order.busy) return;
    // Opened while the press still counts as one; a tab that is opened after the answer would be blocked.
    const tab = test || this.options.sameTab() ? null : this.open();
    const { unit, amount, pack } = order.purchase;
    const began = await this.ask(order, (portal) =>
      portal.startTopUp(pack === null ? { id: order.id, unit, amount } : { id: order.id, pack }),
    );
    const url = began && began.state === 'pending' ? webAddress(began.checkout_url) : null;
    if (!began || !url) tab?.close();
    if (!began) return;
    this.took(order, began);
    if (!url) return;
    if (this.options.sameTab()) (this.options.leave ?? ((to) => location.assign(to)))(url);
    else if (tab) tab.location.replace(url);
  }

  async payTest(outcome: 'paid' | 'failed'): Promise<void> {
    await this.change((portal, topUp) => portal.payTest(topUp.id, outcome));
  }

  async cancel(): Promise<void> {
    await this.change((portal, topUp) => portal.cancelTopUp(topUp.id));
  }

  /** What the server lists: those that wait are watched, those that have ended are told once. */
  seen(found: readonly TopUp[]): void {
    for (const topUp of found) {
      if (topUp.state === 'pending') this.watched.add(topUp.id);
      else this.ended(topUp);
    }
    this.schedule();
  }

  private async change(what: (portal: Portal, topUp: TopUp) => Promise<TopUp>): Promise<void> {
    const { order } = this;
    const topUp = order?.topUp;
    if (!order || !topUp || order.busy) return;
    const answer = await this.ask(order, (portal) => what(portal, topUp));
    if (answer) this.took(order, answer);
  }

  /** The answer; without one, the order says why. */
  private async ask(order: Order, what: (portal: Portal) => Promise<TopUp>): Promise<TopUp | null> {
    const portal = this.options.portal();
    if (!portal) return null;
    this.become({ ...order, busy: true, problem: null });
    try {
      return await what(portal);
    } catch (error) {
      const problem = error instanceof Problem ? error.detail : 'This part of the page has failed.';
      this.become({ ...order, busy: false, problem });
      return null;
    }
  }

  private took(order: Order, topUp: TopUp): void {
    this.watched.add(topUp.id);
    if (topUp.state !== 'pending') {
      this.become({ ...order, busy: false, problem: null, topUp });
      this.ended(topUp);
      return;
    }
    this.become({ ...order, busy: false, problem: null, topUp, step: topUp.test ? 'test' : 'waiting' });
    this.pause = SOONEST;
    this.schedule();
  }

  private ended(topUp: TopUp): void {
    if (!this.watched.delete(topUp.id)) return;
    if (this.order?.topUp?.id === topUp.id) this.become({ ...this.order, busy: false, topUp, step: 'ended' });
    this.options.onEnded(topUp);
  }

  private become(order: Order | null): void {
    this.order = order;
    this.host.requestUpdate();
  }

  private open(): Window | null {
    const tab = this.options.open ? this.options.open() : window.open('', '_blank');
    if (tab) tab.opener = null;
    return tab;
  }

  /** Back from the tab where it was paid: ask at once. */
  private readonly look = (): void => {
    if (document.visibilityState !== 'visible' || !this.watched.size) return;
    this.pause = SOONEST;
    clearTimeout(this.timer);
    this.timer = undefined;
    void this.askForAll();
  };

  private schedule(): void {
    if (this.timer !== undefined || !this.watched.size) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.pause = Math.min(this.pause * 1.5, LATEST);
      void this.askForAll();
    }, this.pause);
  }

  private async askForAll(): Promise<void> {
    const portal = this.options.portal();
    if (portal && document.visibilityState === 'visible') {
      for (const id of [...this.watched]) {
        const found = await portal.topUp(id).catch(() => null);
        if (!found || found.state === 'pending') continue;
        this.ended(found);
        portal.refresh();
      }
    }
    this.schedule();
  }
}

/** Where a browser may be sent; what isn't the web's (`javascript:`) leads nowhere. */
export function webAddress(url: string | null): string | null {
  if (!url || !URL.canParse(url, location.href)) return null;
  const found = new URL(url, location.href);
  return /^https?:$/.test(found.protocol) ? found.href : null;
}

/** Random, also on pages without TLS, where there is no `crypto.randomUUID`. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
