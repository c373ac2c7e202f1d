import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RegisteredWatch, renderTriggers, type TriggerEvent, triggerName } from '../../src/capture/render.ts';
import { catalog } from './madeCatalog.ts';

const events: TriggerEvent[] = ['INSERT', 'UPDATE', 'DELETE'];
const tableNames = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 64 })
  .filter((name) => [...name].length <= 64);
const similar = fc
  .integer({ min: 0, max: 2_000 })
  .map((n) => `${'an_old_and_long_name_of_a_table_'.repeat(2).slice(0, 59)}${n}`);

describe('names of triggers', () => {
  it('have 64 characters at most and say that they are ours', () => {
    fc.assert(
      fc.property(fc.oneof(tableNames, similar), fc.constantFrom(...events), (table, event) => {
        const name = triggerName(table, event);
        return name.length <= 64 && name.startsWith('hubspot_') && name.endsWith(`_a${event.charAt(0).toLowerCase()}`);
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  it('differ for every two tables and events', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(tableNames, similar), { minLength: 2, maxLength: 60 }), (tables) => {
        const names = tables.flatMap((table) => events.map((event) => triggerName(table, event)));
        return new Set(names).size === names.length;
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  it('hold the whole name of a table where there is room', () => {
    expect(triggerName('order_items', 'UPDATE')).toBe('hubspot_order_items_au');
    expect(triggerName('x'.repeat(53), 'DELETE')).toBe(`hubspot_${'x'.repeat(53)}_ad`);
    expect(triggerName('x'.repeat(54), 'DELETE')).toMatch(/^hubspot_x{44}_[0-9a-f]{8}_ad$/);
  });
});

describe('triggers', () => {
  const watch: RegisteredWatch = {
    id: 7,
    object: 'contacts',
    table: 'users',
    columns: ['email', 'id', 'score'],
    note: { column: 'id', kind: 'integer' },
    records: null,
    keyKind: 'integer',
    path: [],
    isDerived: true,
  };

  it('compare texts and floats byte by byte, and numbers as they are', () => {
    const update = renderTriggers([watch], catalog).find(({ event }) => event === 'UPDATE');
    expect(update?.create).toContain(
      'CAST(OLD.`email` AS BINARY) <=> CAST(NEW.`email` AS BINARY) AND OLD.`id` <=> NEW.`id` AND ' +
        'OLD.`score` <=> NEW.`score` AND CAST(OLD.`score` AS BINARY) <=> CAST(NEW.`score` AS BINARY)',
    );
  });

  it('are three for each table, whatever number of watches stand on it', () => {
    const triggers = renderTriggers([watch, { ...watch, id: 8 }, { ...watch, id: 9, table: 'tags' }], catalog);
    expect(triggers.map(({ name }) => name)).toEqual(
      ['tags', 'users'].flatMap((table) => ['i', 'u', 'd'].map((event) => `hubspot_${table}_a${event}`)),
    );
    const ofUsers = triggers.filter(({ table }) => table === 'users');
    for (const { create } of ofUsers) expect(create).toMatch(/VALUES \(7, [\s\S]*VALUES \(8, /);
  });

  it('quote names that hold a backtick', () => {
    const [insert] = renderTriggers([{ ...watch, table: 'a`b', note: { column: 'c`d', kind: 'text' } }], catalog);
    expect(insert?.create).toContain('AFTER INSERT ON `a``b` FOR EACH ROW');
    expect(insert?.create).toContain('IF NEW.`c``d` IS NOT NULL THEN');
  });
});
