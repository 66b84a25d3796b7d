import { Problem } from 'tollkeeper';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConsoleDialog } from '../src/console/dialog.ts';
import {
  cleaned,
  type Field,
  initial,
  instant,
  mistakes,
  placed,
  positive,
  severalDecimals,
  visible,
} from '../src/console/forms.ts';
import { pretty } from '../src/console/quarantine.ts';

const FIELDS: Field[] = [
  { name: 'amount', label: 'Amount', kind: 'decimal', required: true, check: positive },
  {
    name: 'from',
    label: 'From',
    kind: 'choice',
    options: [
      ['now', 'Now'],
      ['at', 'A time'],
    ],
  },
  { name: 'at', label: 'Time', kind: 'time', required: true, api: 'effective_at', shown: ({ from }) => from === 'at' },
];

describe('checks', () => {
  const wrong = (values: Record<string, string>) => mistakes(FIELDS, { ...initial(FIELDS), ...values });

  it('say what is missing, what is no number, and what is too little', () => {
    expect(wrong({})).toEqual({ amount: 'Needed.' });
    expect(wrong({ amount: '12,5' })).toEqual({ amount: 'A number such as 12.50.' });
    expect(wrong({ amount: '-1' })).toEqual({ amount: 'It must be more than 0.' });
    expect(wrong({ amount: ' 0.0000001 ' })).toEqual({});
  });

  it('pass over fields that don’t matter, and don’t send them', () => {
    const values = { amount: ' 5 ', from: 'now', at: 'nonsense' };
    expect(visible(FIELDS, values).map(({ name }) => name)).toEqual(['amount', 'from']);
    expect(mistakes(FIELDS, values)).toEqual({});
    expect(cleaned(FIELDS, values)).toEqual({ amount: '5', from: 'now' });
    expect(mistakes(FIELDS, { ...values, from: 'at' })).toEqual({ at: 'A day and a time.' });
  });

  it('begin choices at their first option', () => {
    expect(initial(FIELDS)).toEqual({ amount: '', from: 'now', at: '' });
  });

  it('read lists of numbers and times', () => {
    expect(severalDecimals('80, 100')).toBeNull();
    expect(severalDecimals('80, x')).not.toBeNull();
    expect(instant('2026-11-28T10:00')).toBe('2026-11-28T10:00:00.000Z');
    expect(instant('')).toBeUndefined();
  });
});

describe('refusals of the server', () => {
  it('stand at their fields, by the API’s names', () => {
    const refused = new Problem(422, 'invalid_request', 'all', {
      errors: [
        { field: 'effective_at', detail: 'Too late.' },
        { field: 'amount', detail: 'Too precise.' },
        { field: 'metadata.x', detail: 'Unknown.' },
      ],
    });
    expect(placed(refused, FIELDS)).toEqual({ at: 'Too late.', amount: 'Too precise.', '': 'Unknown.' });
    expect(placed(new Problem(409, 'busy', 'Busy.'), FIELDS)).toEqual({ '': 'Busy.' });
  });
});

it('quarantined items are laid out where they’re JSON, and shown as they came otherwise', () => {
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(pretty('<img src=x>')).toBe('<img src=x>');
});

describe('the dialog', () => {
  if (!customElements.get('console-dialog')) customElements.define('console-dialog', ConsoleDialog);

  async function opened(send: (values: Record<string, string>, id: string) => Promise<unknown>) {
    const dialog = document.createElement('console-dialog') as ConsoleDialog;
    document.body.append(dialog);
    await dialog.updateComplete;
    const answer = dialog.open({
      title: 'Give',
      text: ({ amount }) => `Gives ${amount}.`,
      fields: FIELDS,
      action: 'Give',
      send,
    });
    await dialog.updateComplete;
    const root = dialog.shadowRoot!;
    const type = async (value: string) => {
      const input = root.querySelector<HTMLInputElement>('#amount')!;
      input.value = value;
      input.dispatchEvent(new Event('input'));
      await dialog.updateComplete;
    };
    const submit = async () => {
      root.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }));
      await new Promise((done) => setTimeout(done));
      await dialog.updateComplete;
    };
    return { answer, root, type, submit };
  }

  afterEach(() => document.body.replaceChildren());

  it('says what will happen, and sends nothing that is wrong', async () => {
    const send = vi.fn(async () => ({}));
    const { root, type, submit } = await opened(send);
    await type('x');
    expect(root.querySelector('.effect')!.textContent).toBe('Gives x.');
    await submit();
    expect(send).not.toHaveBeenCalled();
    expect(root.querySelector('#amount')!.getAttribute('aria-invalid')).toBe('true');
    expect(root.querySelector('#amount-error')!.textContent).toContain('A number');
  });

  it('keeps its id when it’s sent again after a refusal', async () => {
    const send = vi
      .fn<(values: Record<string, string>, id: string) => Promise<unknown>>()
      .mockRejectedValueOnce(new Problem(503, 'busy', 'Busy <b>now</b>.'))
      .mockResolvedValueOnce({ id: 'g1' });
    const { answer, root, type, submit } = await opened(send);
    await type('5');
    await submit();
    expect(root.querySelector('.refused')!.textContent).toContain('Busy <b>now</b>.');
    expect(root.querySelector('.refused .code')!.textContent).toBe('busy');
    await submit();
    expect(await answer).toEqual({ id: 'g1' });
    expect(send.mock.calls[0]![1]).toBe(send.mock.calls[1]![1]);
    expect(send.mock.calls[0]![0]).toEqual({ amount: '5', from: 'now' });
  });

  it('resolves with null where it’s left', async () => {
    const { answer, root } = await opened(async () => ({}));
    root.querySelector<HTMLButtonElement>('.buttons button')!.click();
    expect(await answer).toBeNull();
  });
});
