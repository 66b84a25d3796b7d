/** API keys: list them, make one (its secret is shown once), revoke one. */
import { type Column, html, nothing, type TemplateResult } from 'tollkeeper';
import { app, badge } from './app.ts';
import { part } from './client.ts';
import { secret } from './dialog.ts';
import { empty, Pages, rowsOfBones } from './load.ts';
import { table, View } from './look.ts';
import type { ApiKey, Page } from './types.ts';

const SCOPES = [
  ['write', 'Write: report usage, holds, customers, grants'],
  ['read', 'Read: look, and change nothing'],
  ['admin', 'Admin: everything, this console too'],
] as const;

export class KeysPage extends View {
  private readonly keys = new Pages<ApiKey>(this, (cursor) => app.client.get('/v1/keys', { limit: 50, cursor }));

  protected override render(): TemplateResult {
    return html`<div class="top">
        <div><h1>API keys</h1><p>For your programs. A key is for all customers; only its first characters are kept.</p></div>
        <div class="actions"><button class="button primary" @click=${this.create}>New key</button></div>
      </div>
      ${this.keys.render((page) => this.list(page), rowsOfBones(5))}`;
  }

  private list(page: Page<ApiKey>): TemplateResult {
    if (!page.data.length) return empty('No keys', 'Your programs need one to report usage.');
    const columns: Column<ApiKey>[] = [
      {
        key: 'name',
        title: 'Key',
        value: ({ name }) => name,
        cell: ({ name, prefix }) => html`${name}<span class="sub code">${prefix}…</span>`,
      },
      {
        key: 'scopes',
        title: 'May',
        value: ({ scopes }) => scopes.join(', '),
        cell: ({ scopes }) => scopes.map((scope) => badge(scope, scope === 'admin' ? 'accent' : '')),
      },
      {
        key: 'made',
        title: 'Made',
        value: ({ created_at }) => created_at,
        cell: ({ created_at }) => app.time(created_at),
      },
      {
        key: 'used',
        title: 'Last used',
        value: ({ last_used_at }) => last_used_at ?? '',
        cell: ({ last_used_at }) => app.ago(last_used_at),
      },
      {
        key: 'state',
        title: 'State',
        value: ({ revoked_at }) => (revoked_at ? 'revoked' : 'active'),
        cell: ({ revoked_at }) =>
          revoked_at ? html`${badge('Revoked')} ${app.time(revoked_at)}` : badge('Active', 'good'),
      },
      {
        key: 'act',
        title: 'Actions',
        quiet: true,
        value: () => '',
        cell: (key) =>
          key.revoked_at
            ? nothing
            : html`<span class="buttons"><button class="button" @click=${() => this.revoke(key)}>Revoke</button></span>`,
      },
    ];
    return html`<section class="panel flush">${table({ caption: 'API keys', columns, rows: page.data, key: ({ key_id }) => key_id, file: 'keys.csv' })}${this.keys.pager()}</section>`;
  }

  private readonly create = async (): Promise<void> => {
    const made = await app.ask<ApiKey & { secret: string }>({
      title: 'New API key',
      text: 'Makes a key that works at once, until it’s revoked. Its secret is shown once, now, and can’t be had again. Should the answer get lost, look for the key in the list, revoke it, and make another.',
      fields: [
        { name: 'name', label: 'Name', required: true, hint: 'Which program it’s for.' },
        { name: 'scope', label: 'May', kind: 'choice', options: SCOPES, required: true, api: 'scopes' },
      ],
      action: 'Make key',
      done: 'The key is made.',
      send: ({ name, scope }) => app.client.post('/v1/keys', { name, scopes: [scope] }),
      result: (key) =>
        html`<p>This is the only time that the secret of <strong>${key.name}</strong> is shown. Keep it where your program finds it.</p>${secret(key.secret)}`,
    });
    if (made) await this.keys.run();
  };

  private async revoke(key: ApiKey): Promise<void> {
    const own = key.prefix === app.client.signedIn?.key.prefix;
    const done = await app.ask({
      title: `Revoke ${key.name}?`,
      text: html`Programs with <span class="code">${key.prefix}…</span> are refused within seconds. It can’t be undone.${own ? html` <strong>You’re signed in with this key: you’ll be signed out.</strong>` : nothing}`,
      action: 'Revoke',
      danger: true,
      done: 'The key is revoked.',
      send: () => app.client.post(`/v1/keys/${part(key.key_id)}/revoke`, {}),
    });
    if (done) await this.keys.run();
  }
}
