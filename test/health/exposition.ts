/** The text format of Prometheus, read strictly: https://prometheus.io/docs/instrumenting/exposition_formats/ */

export type Sample = { name: string; labels: Record<string, string>; value: number };

export type Family = { name: string; type: string; help: string; samples: Sample[] };

// A value is whatever Go's ParseFloat takes, and that is NaN and Inf in any case.
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (nan|[+-]?inf|[+-]?[\d.]+(?:e[+-]?\d+)?)$/i;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/** Metric families by name. @throws for a line that is none of the format, or a sample without its HELP and TYPE */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const helps = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, named = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') helps.set(named, rest);
    else if (keyword === 'TYPE') addFamily(families, named, rest, helps.get(named));
    else addSample(families, line);
  }
  return families;
}

function addFamily(families: Map<string, Family>, name: string, type: string, help: string | undefined): void {
  if (families.has(name)) throw new Error(`${name} has two TYPE lines`);
  if (help === undefined) throw new Error(`${name} has no HELP before its TYPE`);
  families.set(name, { name, type, help, samples: [] });
}

function addSample(families: Map<string, Family>, line: string): void {
  const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === '') throw new Error(`not a line of the format: ${line}`);
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  if (family === undefined) throw new Error(`${name} has no TYPE`);
  const isPart = family.name !== name;
  if (isPart && !['histogram', 'summary'].includes(family.type))
    throw new Error(`${name} is no part of a ${family.type}`);
  family.samples.push({
    name,
    labels: parseLabels(labels),
    value: Number(value.replace(/inf/i, 'Infinity').replace(/nan/i, 'NaN')),
  });
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`not labels: ${text.slice(at)}`);
    labels[name] = value;
  }
  return labels;
}

/** The value of one sample; undefined when there is none. */
export function sampleOf(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  return family?.samples.find(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}
