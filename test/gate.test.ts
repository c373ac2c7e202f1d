import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Gate } from '../src/gate.ts';

function gateAt() {
  const clock = { now: 1_000 };
  return { clock, gate: new Gate(pino({ level: 'silent' }), 60_000, () => clock.now) };
}

it('keeps an object closed until it is looked at again, and tells of it until it is opened', () => {
  const { gate, clock } = gateAt();
  gate.pause('contacts', { scope: 'object', code: 'READ_ONLY_VALUE', reason: 'read-only' });
  expect([gate.isOpen('contacts'), gate.isOpen('orders')]).toEqual([false, true]);
  clock.now += 60_000;
  expect([gate.isOpen('contacts'), gate.isLooking('contacts')]).toEqual([true, true]);
  expect([...gate.paused().keys()]).toEqual(['contacts']);
  expect(gate.open('contacts')).toBe(true);
  expect([gate.isLooking('contacts'), gate.paused().size]).toEqual([false, 0]);
});

it('forgets a pause that ends by itself, with or without a look, and no other', () => {
  const { gate, clock } = gateAt();
  gate.pause('contacts', { scope: 'object', code: 'READ_ONLY_VALUE', reason: 'read-only' });
  gate.pause('contacts', { scope: 'worker', code: 'DAILY', reason: 'used up', delayMs: 900_000, endsInMs: 3_600_000 });
  clock.now += 3_599_999;
  expect([...gate.paused().keys()].sort()).toEqual(['*', 'contacts']);
  clock.now += 1;
  expect([...gate.paused().keys()]).toEqual(['contacts']);
  expect(gate.isLooking('orders')).toBe(false);
});
