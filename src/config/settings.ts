import { validate } from 'node-cron';

export type Settings = {
  schedule: string;
  callsPer10s: number;
  callsPerDay: number | null;
  concurrency: number;
  batchSize: number;
  requestTimeoutMs: number;
  leaseMs: number;
  lateWriteMs: number;
  lookAgainMs: number;
  stopWithinMs: number;
  guardRecords: number;
  guardPercent: number;
};

export type SettingRow = {
  name: keyof Settings;
  default: string | number | null;
  /** What is expected, with unit and range, as it stands in an error. */
  expected: string;
  description: string;
  accepts(value: unknown): boolean;
};

/** Every setting: its name in the mapping file, its default, its unit and range, what it does. */
export const settingsTable: Readonly<Record<string, SettingRow>> = {
  schedule: {
    name: 'schedule',
    default: '* * * * * *',
    expected: 'a cron expression of five fields, or six with seconds first',
    description: 'when to look for changes; while there are any, pass follows pass',
    accepts: (value) => typeof value === 'string' && validate(value),
  },
  calls_per_10s: whole('callsPer10s', 100, [1, 10_000], 'calls in ten seconds', "HubSpot's limit for the key"),
  calls_per_day: {
    ...whole('callsPerDay', null, [1, 100_000_000], 'calls a day', 'stop there; all, where it is left out'),
    accepts: (value) => value === null || isWhole(value, 1, 100_000_000),
  },
  concurrency: whole('concurrency', 8, [1, 32], 'batches at a time', 'batches on their way to HubSpot together'),
  batch_size: whole('batchSize', 100, [1, 100], 'records', 'records in a call; HubSpot takes 100 at most'),
  request_timeout_ms: whole('requestTimeoutMs', 30_000, [100, 600_000], 'milliseconds', 'how long HubSpot may take'),
  lease_ms: whole(
    'leaseMs',
    120_000,
    [1_000, 3_600_000],
    'milliseconds',
    'after how long a claim of a dead worker ends',
  ),
  late_write_ms: whole(
    'lateWriteMs',
    120_000,
    [1_000, 3_600_000],
    'milliseconds',
    'how long HubSpot may still write what a call without an answer held; then the record is read back',
  ),
  look_again_ms: whole(
    'lookAgainMs',
    60_000,
    [100, 3_600_000],
    'milliseconds',
    'after how long a paused object looks whether the reason is mended',
  ),
  stop_within_ms: whole(
    'stopWithinMs',
    25_000,
    [0, 600_000],
    'milliseconds',
    'how long a worker that is told to stop waits for HubSpot to answer what is under way',
  ),
  guard_records: whole(
    'guardRecords',
    50,
    [1, 1_000_000],
    'records',
    'more refused for one reason within five minutes pause the object, instead of poisoning the whole table',
  ),
  guard_percent: whole(
    'guardPercent',
    30,
    [0, 100],
    'percent',
    'and only when that is more than this share of what was sent; 100 never pauses',
  ),
};

export function defaultSettings(): Settings {
  return Object.fromEntries(Object.values(settingsTable).map((row) => [row.name, row.default])) as Settings;
}

/** What no single setting can tell: a problem with the name of the setting to change, or null. */
export function checkSettings({ leaseMs, requestTimeoutMs }: Settings): { setting: string; message: string } | null {
  if (leaseMs > requestTimeoutMs) return null;
  return {
    setting: 'lease_ms',
    message: `expected more than request_timeout_ms (${requestTimeoutMs}), got ${leaseMs}: a claim would end while HubSpot is still answering, and its records be sent twice`,
  };
}

function whole(
  name: keyof Settings,
  standard: number | null,
  [least, most]: [number, number],
  unit: string,
  description: string,
): SettingRow {
  return {
    name,
    default: standard,
    expected: `a whole number of ${unit}, ${least} to ${most}`,
    description,
    accepts: (value) => isWhole(value, least, most),
  };
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}
