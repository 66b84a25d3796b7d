/** Events and postings as rows of a file; pure. */
import type { LedgerEntry, Session, UsageEvent } from '../core/types.ts';

export function activityTable(lines: readonly (UsageEvent | LedgerEntry)[], session: Session): string[][] {
  const events = lines.filter((line): line is UsageEvent => 'meter' in line);
  return events.length === lines.length ? eventRows(events, session) : entryRows(lines as LedgerEntry[]);
}

function eventRows(events: readonly UsageEvent[], session: Session): string[][] {
  const dimensions = session.dimensions.filter((name) => name !== 'member');
  const figures = ['quantity', 'billed', 'charge', 'unit'] as const;
  const heads = [
    'id',
    'time',
    'recorded_at',
    'meter',
    ...figures,
    'state',
    'member',
    ...dimensions,
    'corrects',
    'transaction_id',
  ];
  const rows = events.map((event) => [
    event.id,
    event.time,
    event.recorded_at,
    event.meter,
    ...figures.map((name) => event[name] ?? ''),
    event.priced ? (event.estimated ? 'estimated' : 'final') : 'unpriced',
    event.member ?? '',
    ...dimensions.map((name) => event.dimensions[name] ?? ''),
    event.corrects ?? '',
    event.transaction_id ?? '',
  ]);
  return [heads, ...rows];
}

function entryRows(entries: readonly LedgerEntry[]): string[][] {
  const columns = [
    'transaction_id',
    'line',
    'kind',
    'text',
    'unit',
    'amount',
    'wallet',
    'owed',
    'booked_at',
    'service_from',
    'service_to',
    'events',
    'reference',
  ] as const;
  return [[...columns], ...entries.map((entry) => columns.map((name) => String(entry[name] ?? '')))];
}
