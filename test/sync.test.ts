import { expect, it } from 'vitest';
import type { Batch } from '../src/batch/runBatch.ts';
import { runPass, type Stages } from '../src/sync.ts';
import { until } from './support/program.ts';

type Fold = Awaited<ReturnType<Stages['fold']>>;
type Pass = { stop: AbortController; underWay: { end(): void }[]; claims: number; most: number; log: string[] };
type Options = {
  batches: number;
  concurrency: number;
  /** What a fold finds; nothing when left out. */
  fold?: (pass: Pass) => Fold | Promise<Fold>;
  /** Whether a claim finds a batch; while there are any when left out. */
  isDue?: (pass: Pass) => boolean;
  /** Happens while a batch is claimed. */
  onClaim?: (pass: Pass) => void;
};

/** A pass over so many batches of 100 rows, whose deliveries end when the test ends them. */
function startPass({ batches, concurrency, fold, isDue, onClaim }: Options) {
  const pass: Pass = { stop: new AbortController(), underWay: [], claims: 0, most: 0, log: [] };
  const stages: Stages = {
    fold: async () => {
      pass.log.push('fold');
      if (pass.log.length > 1_000) throw new Error('it looks and finds nothing, again and again');
      return fold?.(pass) ?? { marks: 0, more: false };
    },
    claim: async () => {
      if (pass.claims >= batches || isDue?.(pass) === false) {
        pass.log.push('nothing');
        return null;
      }
      pass.claims += 1;
      onClaim?.(pass);
      return { claim: { rows: Array(100).fill({}) } } as unknown as Batch;
    },
    deliver: async () => {
      await new Promise<void>((end) => {
        pass.underWay.push({ end });
        pass.most = Math.max(pass.most, pass.underWay.length);
      });
      pass.log.push('delivered');
      return { synced: 100 };
    },
    concurrency,
  };
  let isOver = false;
  const counts = runPass(stages, pass.stop.signal).finally(() => {
    isOver = true;
  });
  return { pass, counts, isOver: () => isOver };
}

/** Whatever would happen by itself has happened, but for what waits for a time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}

it('delivers several batches at once, and never more than it may', async () => {
  const { pass, counts } = startPass({ batches: 12, concurrency: 3 });
  for (let ended = 0; ended < 12; ended += 1) {
    await settle();
    expect(pass.underWay).toHaveLength(Math.min(3, 12 - ended));
    expect(pass.claims).toBe(Math.min(12, ended + 3));
    // Any of them may be the first to end.
    pass.underWay.splice(ended % pass.underWay.length, 1)[0]?.end();
  }
  expect(await counts).toMatchObject({ claimed: 1_200, synced: 1_200 });
  expect(pass.most).toBe(3);
});

it('goes straight on while there are full batches: where one ends the next is claimed', async () => {
  const { pass, counts } = startPass({ batches: 20, concurrency: 1 });
  for (let batch = 1; batch <= 20; batch += 1) {
    await settle();
    expect(pass.claims).toBe(batch);
    pass.underWay.shift()?.end();
  }
  expect((await counts).claimed).toBe(2_000);
});

it('folds beside a delivery that takes long, and claims what that brought', async () => {
  let due = 1;
  const { pass, counts, isOver } = startPass({
    batches: 2,
    concurrency: 4,
    fold: ({ log }) => {
      const folds = log.filter((stage) => stage === 'fold').length;
      if (folds === 2) due = 2;
      return { marks: 10, more: folds < 2 };
    },
    isDue: ({ claims }) => claims < due,
  });
  await until(() => pass.underWay.length === 2 || isOver());
  expect(pass.log).not.toContain('delivered');
  expect(pass.claims).toBe(2);
  for (const delivery of pass.underWay) delivery.end();
  expect(await counts).toMatchObject({ claimed: 200, marks: 10 * pass.log.filter((stage) => stage === 'fold').length });
});

it('fills every place while a fold beside it takes long', async () => {
  let endFold = (_: Fold) => {};
  const { pass, counts } = startPass({
    batches: 6,
    concurrency: 1,
    fold: ({ log }) => {
      const isFirst = log.filter((stage) => stage === 'fold').length === 1;
      if (isFirst) return { marks: 1, more: true };
      return new Promise<Fold>((end) => {
        endFold = end;
      });
    },
  });
  for (let batch = 1; batch <= 6; batch += 1) {
    await settle();
    expect(pass.claims).toBe(batch);
    pass.underWay.shift()?.end();
  }
  expect(pass.log.filter((stage) => stage === 'fold')).toHaveLength(2);
  await settle();
  endFold({ marks: 7, more: false });
  expect(await counts).toMatchObject({ marks: 8, claimed: 600, synced: 600 });
});

it('ends with what made a fold fail, once what is under way has ended', async () => {
  const { pass, counts, isOver } = startPass({
    batches: 100,
    concurrency: 2,
    fold: ({ log }) => {
      if (log.length > 1) throw new Error('no marks can be read');
      return { marks: 1, more: true };
    },
  });
  const failed = expect(counts).rejects.toThrow('no marks can be read');
  await settle();
  expect(pass.claims).toBe(2);
  pass.underWay.shift()?.end();
  await settle();
  expect(pass.claims).toBeLessThanOrEqual(3);
  expect(isOver()).toBe(false);
  for (const delivery of pass.underWay) delivery.end();
  await failed;
});

it('ends with what made a fold fail where nothing is due', async () => {
  const fold = () => {
    throw new Error('no marks can be read');
  };
  await expect(startPass({ batches: 0, concurrency: 2, fold }).counts).rejects.toThrow('no marks can be read');
});

it('ends when a look finds nothing', async () => {
  const { pass, counts } = startPass({ batches: 0, concurrency: 4 });
  expect(await counts).toMatchObject({ marks: 0, claimed: 0 });
  expect(pass.log).toEqual(['fold', 'nothing']);
});

it('looks once more after the last delivery, for what changed meanwhile', async () => {
  const { pass, counts, isOver } = startPass({ batches: 1, concurrency: 4 });
  await settle();
  expect(isOver()).toBe(false);
  pass.underWay.shift()?.end();
  await counts;
  expect(pass.log.slice(pass.log.lastIndexOf('delivered'))).toEqual(['delivered', 'fold', 'nothing']);
});

it('goes on while marks wait, also where no row is due yet', async () => {
  const fold = ({ log }: Pass) => ({ marks: 5, more: log.filter((stage) => stage === 'fold').length < 4 });
  const { counts } = startPass({ batches: 0, concurrency: 4, fold });
  expect((await counts).marks).toBe(20);
});

it('claims nothing more once it is told to stop, and ends when what is under way has ended', async () => {
  const { pass, counts, isOver } = startPass({ batches: 100, concurrency: 2 });
  await settle();
  expect(pass.underWay).toHaveLength(2);
  pass.stop.abort();
  pass.underWay.shift()?.end();
  await settle();
  expect(pass.log.filter((stage) => stage === 'delivered')).toHaveLength(1);
  expect(pass.claims).toBe(2);
  expect(isOver()).toBe(false);
  pass.underWay.shift()?.end();
  expect(await counts).toMatchObject({ claimed: 200, synced: 200 });
  expect(pass.claims).toBe(2);
});

it('delivers what it was just claiming when it is told to stop, and claims nothing more', async () => {
  const { pass, counts } = startPass({ batches: 100, concurrency: 4, onClaim: ({ stop }) => stop.abort() });
  await settle();
  for (const delivery of pass.underWay) delivery.end();
  expect(await counts).toMatchObject({ claimed: 100, synced: 100 });
});

it('claims nothing when it is told to stop while it folds', async () => {
  const fold = ({ stop }: Pass) => {
    stop.abort();
    return { marks: 3, more: true };
  };
  const { pass, counts } = startPass({ batches: 100, concurrency: 4, fold });
  expect(await counts).toMatchObject({ marks: 3, claimed: 0 });
  expect(pass.claims).toBe(0);
});
