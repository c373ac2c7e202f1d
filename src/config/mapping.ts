import type { Settings } from './settings.ts';

/** The mapping file, validated and frozen. */
export type Mapping = {
  objects: readonly ObjectMapping[];
  settings: Settings;
  /** Where a message goes when health changes; null for nowhere. A webhook's address is a secret. */
  alerts: { webhookUrl: string } | null;
  /** The file it was read from, as it was named. */
  file: string;
};

export type ObjectMapping = {
  /** The user's name for it: 1 to 32 of A–Z a–z 0–9 _ -. */
  name: string;
  /** HubSpot's object type: `contacts`, `companies`, `2-1234567`, … */
  type: string;
  /** The HubSpot property with unique values that identifies a record. */
  matchOn: string;
  /** The column that identifies a record at its source. */
  key: { table: string; column: string };
  /** The SELECT, with `:ids`; returns `source_id` and one column for each HubSpot property. */
  query: string;
  whenGone: 'keep' | 'archive';
  /** An IANA zone: how DATE and DATETIME columns are meant. */
  timeZone: string;
  /** What the user says about tables that the query alone does not tell. */
  watch: readonly HandWatch[];
};

export type HandWatch = {
  table: string;
  /** The column whose value the trigger notes. */
  key: string;
  columns: readonly string[];
  /** SQL with `:keys` that turns noted values into record ids, its first column. */
  records: string;
};
