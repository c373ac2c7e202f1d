import { IANAZone } from 'luxon';
import { Checker, didYouMean, got } from './checker.ts';
import { checkQuery, namesColumn, trimQuery } from './checkQuery.ts';
import type { HandWatch, Mapping, ObjectMapping } from './mapping.ts';
import { readYaml, refuse } from './readYaml.ts';
import { checkSettings, defaultSettings, type Settings, settingsTable } from './settings.ts';
import { typeId } from './typeId.ts';

/**
 * Reads and checks the mapping file whole.
 * @throws ConfigurationError with every problem: its path and line, what was expected, what stood there
 */
export function readMapping(file: string): Mapping {
  const { document, content, lines } = readYaml(file);
  const check = new Checker(file, document, lines);
  const mapping = check.map(content, [], ['objects', 'settings', 'alerts']);
  const objects = mapping === null ? [] : readObjects(check, mapping.objects);
  const settings = readSettings(check, mapping?.settings);
  const alerts = readAlerts(check, mapping?.alerts);
  refuseTwins(check, objects);
  if (check.problems.length > 0) throw refuse(file, check.problems);
  return deepFreeze({ objects, settings, alerts, file });
}

function readObjects(check: Checker, value: unknown): ObjectMapping[] {
  const objects = check.map(value, ['objects']);
  if (objects === null) return [];
  if (Object.keys(objects).length === 0) check.fail(['objects'], 'expected at least one object, like contacts:');
  return Object.entries(objects).flatMap(([name, body]) => readObject(check, name, body) ?? []);
}

const OBJECT_KEYS = ['type', 'match_on', 'key', 'query', 'when_gone', 'time_zone', 'watch'];
const TYPE = /^[A-Za-z0-9_-]{1,64}$/;
const PROPERTY = /^[a-z][a-z0-9_]*$/;

function readObject(check: Checker, name: string, value: unknown): ObjectMapping | null {
  const at = ['objects', name];
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(name)) {
    check.fail(at, 'expected a name of 1 to 32 letters, digits, _ and -, starting with a letter');
  }
  const body = check.map(value, at, OBJECT_KEYS);
  if (body === null) return null;
  const type = 'a HubSpot object type, like contacts or 2-1234567';
  const property = 'the HubSpot property with unique values that identifies a record, like email';
  return {
    name,
    type: check.text(body.type ?? name, [...at, 'type'], type, TYPE),
    matchOn: check.text(body.match_on, [...at, 'match_on'], property, PROPERTY),
    key: readKey(check, body.key, [...at, 'key']),
    query: readQuery(check, body.query, [...at, 'query']),
    whenGone: check.oneOf(body.when_gone ?? 'keep', [...at, 'when_gone'], ['keep', 'archive']),
    timeZone: readTimeZone(check, body.time_zone ?? 'UTC', [...at, 'time_zone']),
    watch: readWatches(check, body.watch, [...at, 'watch']),
  };
}

function readKey(check: Checker, value: unknown, at: string[]): { table: string; column: string } {
  const text = check.text(value, at, 'table.column, like users.id', /^[^.\s`]+\.[^.\s`]+$/);
  const [table = '', column = ''] = text.split('.');
  return { table, column };
}

function readQuery(check: Checker, value: unknown, at: string[]): string {
  const text = check.text(value, at, 'a SELECT');
  if (text === '') return text;
  const query = trimQuery(text);
  const problems = checkQuery(query, 'ids');
  for (const message of problems) check.fail(at, message);
  if (problems.length === 0 && !namesColumn(query, 'source_id')) {
    check.fail(at, 'expected a column source_id, the key, as in SELECT u.id AS source_id, …');
  }
  return query;
}

function readTimeZone(check: Checker, value: unknown, at: string[]): string {
  const zone = check.text(value, at, 'an IANA time zone, like Europe/Berlin');
  if (zone !== '' && !IANAZone.isValidZone(zone)) {
    const hint = didYouMean(zone, Intl.supportedValuesOf('timeZone'));
    check.fail(at, `expected an IANA time zone, like Europe/Berlin, ${got(zone)}${hint}`);
  }
  return zone;
}

function readWatches(check: Checker, value: unknown, at: string[]): HandWatch[] {
  if (value === undefined || value === null) return [];
  const watches = check.map(value, at) ?? {};
  return Object.entries(watches).flatMap(([table, body]) => readWatch(check, table, body, [...at, table]) ?? []);
}

function readWatch(check: Checker, table: string, value: unknown, at: string[]): HandWatch | null {
  const watch = check.map(value, at, ['key', 'columns', 'records']);
  if (watch === null) return null;
  const records = check.text(watch.records, [...at, 'records'], 'a SELECT with :keys that returns record ids');
  if (records !== '') {
    for (const message of checkQuery(trimQuery(records), 'keys')) check.fail([...at, 'records'], message);
  }
  return {
    table,
    key: check.text(watch.key, [...at, 'key'], 'the name of a column'),
    columns: check.texts(watch.columns, [...at, 'columns'], 'a list of columns, like [tag]'),
    records: trimQuery(records),
  };
}

function readSettings(check: Checker, value: unknown): Settings {
  const settings = defaultSettings();
  const isGiven = value !== undefined && value !== null;
  const given = (isGiven ? check.map(value, ['settings'], Object.keys(settingsTable)) : null) ?? {};
  for (const [name, row] of Object.entries(settingsTable)) {
    const setting = given[name];
    if (setting === undefined) continue;
    if (row.accepts(setting)) Object.assign(settings, { [row.name]: setting });
    else check.fail(['settings', name], `expected ${row.expected}, ${got(setting)}`);
  }
  const problem = checkSettings(settings);
  if (problem !== null) check.fail(['settings', problem.setting], problem.message);
  return settings;
}

function readAlerts(check: Checker, value: unknown): Mapping['alerts'] {
  if (value === undefined || value === null) return null;
  const url = check.map(value, ['alerts'], ['webhook_url'])?.webhook_url;
  const isWeb = typeof url === 'string' && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  // The address lets anybody who knows it post: it is not repeated.
  if (!isWeb) check.fail(['alerts', 'webhook_url'], 'expected a URL like https://hooks.example.com/…');
  return isWeb ? { webhookUrl: url } : null;
}

/** Two objects that feed the same HubSpot records would overwrite each other for ever. */
function refuseTwins(check: Checker, objects: readonly ObjectMapping[]): void {
  const seen = new Map<string, string>();
  for (const { name, type, matchOn } of objects) {
    if (type === '' || matchOn === '') continue;
    const fed = `${typeId(type)} ${matchOn}`;
    const twin = seen.get(fed);
    if (twin !== undefined) {
      check.fail(
        ['objects', name],
        `feeds ${type} by ${matchOn}, and so does objects.${twin}: one SELECT decides what a HubSpot record holds; join them into one`,
      );
    }
    seen.set(fed, twin ?? name);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
