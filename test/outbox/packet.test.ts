import fc from 'fast-check';
import { escape as escapeText } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { inParts } from '../../src/outbox/packet.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 2_000 }),
  fc.string({ unit: fc.constantFrom("'", '"', '\\', '\n', '\0', '\u001a', '😀'), maxLength: 2_000 }),
);
const rows = fc.array(fc.array(fc.oneof(text, fc.constant(null)), { minLength: 1, maxLength: 4 }), { maxLength: 60 });

const bytesOf = (row: readonly (string | null)[]) =>
  row.reduce((sum, value) => sum + (value === null ? 4 : Buffer.byteLength(escapeText(value))), 0);

describe('rows of a statement, in parts', () => {
  it('keep their order, and none is empty; only a row that fits no packet by itself is left out', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 66_000, max: 90_000 }), (all, packetBytes) => {
        const parts = inParts(all, packetBytes);
        expect(parts.every((part) => part.length > 0)).toBe(true);
        const kept = parts.flat();
        expect(kept).toEqual(all.filter((row) => kept.includes(row)));
        for (const row of all)
          if (!kept.includes(row)) expect(bytesOf(row) + 256).toBeGreaterThan(packetBytes - 65_536);
      }),
      { seed: 31, numRuns: 200 },
    );
  });

  it('fit a packet as the driver writes them, with room for the statement around them', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 66_000, max: 90_000 }), (all, packetBytes) => {
        for (const part of inParts(all, packetBytes)) {
          const bytes = part.reduce((sum, row) => sum + bytesOf(row), 0);
          expect(bytes).toBeLessThanOrEqual(packetBytes - 65_536);
        }
      }),
      { seed: 32, numRuns: 200 },
    );
  });

  it('fit a packet too where they are many to it, and are taken as they are where it is far larger', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 66_000, max: 400_000 }), (all, packetBytes) => {
        const most = all.flat().reduce((sum, value) => sum + 6 + 3 * (value?.length ?? 0), 0) + 256 * all.length;
        const parts = inParts(all, packetBytes);
        for (const part of parts)
          expect(part.reduce((sum, row) => sum + bytesOf(row), 0)).toBeLessThanOrEqual(packetBytes - 65_536);
        if (all.length > 0 && most <= packetBytes - 65_536) expect(parts).toEqual([all]);
      }),
      { seed: 33, numRuns: 200 },
    );
  });

  it('are one part where everything fits, and as many as needed where it does not', () => {
    const each = ['x'.repeat(1_000)];
    expect(inParts(Array(100).fill(each), 16_777_216)).toHaveLength(1);
    expect(inParts(Array(100).fill(each), 65_536 + 2 * 1_258)).toHaveLength(50);
    expect(inParts([], 16_777_216)).toEqual([]);
    expect(inParts([each], 65_536)).toEqual([]);
  });
});
