import type { Server } from '../../test/support/servers/server.ts';
import type { Build } from './program.ts';

/** A measured number. */
export type Figure = {
  value: number;
  /** `s`, `ms`, `records/s`, `MB`, `%`, … */
  unit: string;
};

/** What must hold of a measurement. */
export type Check = { value: number; is: '≤' | '≥'; bound: number; unit: string };

/** A line of the table. */
export type Row = {
  scenario: string;
  ours: Figure;
  /** The peer, or the limit, of the same run; and what it is. */
  beside: (Figure & { what: string }) | null;
  /** The target: all of them must hold. None: the line is there for comparison. */
  checks: Check[];
  note?: string;
};

export type ChartName = 'drain' | 'memory' | 'latency';

export type Curve = { chart: ChartName; name: string; points: [number, number][] };

export type Outcome = { rows: Row[]; curves?: Curve[] };

export type Bench = {
  server: Server;
  /** The program as it is packed, built once for the whole run. */
  build: Build;
  isQuick: boolean;
  /** How many pairs of runs, A B A B, a median is taken of. */
  pairs: number;
  /** Tells a person what goes on. */
  say(text: string): void;
};

export type Scenario = {
  /** For `--only`. */
  name: string;
  run(bench: Bench): Promise<Outcome>;
};
