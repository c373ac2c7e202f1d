import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { startProgress } from '../../src/commands/progress.ts';
import { startOnTerminal } from '../support/terminal.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('says how far it is in a plain line now and then where nobody watches', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const stream = new PassThrough();
  const written = () => String(stream.read() ?? '');
  const progress = await startProgress('contacts', stream as unknown as NodeJS.WriteStream);
  progress.update({ enqueued: 5_000, total: 60_000 });
  vi.advanceTimersByTime(1_999);
  progress.update({ enqueued: 10_000, total: 60_000 });
  expect(written()).toBe('');
  vi.advanceTimersByTime(1);
  progress.update({ enqueued: 15_000, total: 60_000 });
  progress.update({ enqueued: 20_000, total: 60_000 });
  expect(written()).toBe('contacts: 15000 of about 60000 records enqueued\n');
  vi.advanceTimersByTime(2_000);
  progress.update({ enqueued: 25_000, total: 60_000 });
  expect(written()).toBe('contacts: 25000 of about 60000 records enqueued\n');
  progress.end('contacts: 60000 records enqueued');
  expect(written()).toBe('contacts: 60000 records enqueued\n');
});

it('draws a bar with the time that is left on a terminal, and a line of its own at the end', async () => {
  const file = fileURLToPath(new URL('../../src/commands/progress.ts', import.meta.url));
  const steps = `
    const { startProgress } = await import(${JSON.stringify(file)});
    const progress = await startProgress('contacts');
    for (let enqueued = 0; enqueued <= 2_000; enqueued += 500) {
      progress.update({ enqueued, total: 4_000 });
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    progress.end('contacts: 4000 records enqueued');`;
  const terminal = startOnTerminal(['--input-type=module', '--eval', steps]);
  onTestFinished(terminal.close);
  const { code, out } = await terminal.finished;
  expect(code).toBe(0);
  expect(out).toMatch(/contacts \[[^\]]+\] 50% 2000\/4000 records, \d+s left/);
  expect(out).toMatch(/ left[^\n]*\n[^\n]*contacts: 4000 records enqueued\r\n$/);
  // The cursor was hidden, and is back.
  expect(out.lastIndexOf('\x1b[?25h')).toBeGreaterThan(out.lastIndexOf('\x1b[?25l'));
});
