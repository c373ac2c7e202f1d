export type PropertyDefinition = { name: string; type: string; options?: { label: string; value: string }[] };

// Numbers of the client protocol.
const timestamp = 7;
const datetime = 12;
const setFlag = 2048;

/** What HubSpot should hold for a value of the database: written down a second time, so that the product's own conversion is checked. */
export function expected(
  column: { value: string | null; type: number; flags: number },
  definition: PropertyDefinition | undefined,
  timeZone: string,
): string {
  const { value, type, flags } = column;
  if (value === null || /^0000-00-00( 00:00:00(\.0+)?)?$/.test(value)) return '';
  if (type === timestamp) return `${value.replace(' ', 'T')}Z`;
  if (type === datetime) return instantOf(value, timeZone);
  if (definition?.type === 'bool') return value === '0' || value === '' ? 'false' : 'true';
  if (flags & setFlag) return value.split(',').join(';');
  return definition?.options?.find(({ label }) => label === value)?.value ?? value;
}

/** Whether HubSpot's text means the expected one: numbers by value, instants by instant, text byte by byte. */
export function same(want: string, got: string, type: string | undefined, isEmail: boolean): boolean {
  if (want === got) return true;
  if (isEmail) return want.toLowerCase() === got.toLowerCase();
  if (type === 'number') return canonical(want) === canonical(got);
  if (want === '' || got === '') return false;
  if (/^\d{4}-\d\d-\d\dT/.test(want)) return instant(want) === instant(got);
  return false;
}

function instant(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
}

function canonical(number: string): string {
  const match = /^(-?)0*(\d+)(?:\.(\d*?)0*)?$/.exec(number);
  if (!match) return number;
  return `${match[1]}${match[2]}${match[3] ? `.${match[3]}` : ''}`;
}

/** The instant at which a clock on the wall in `timeZone` shows `local`. */
function instantOf(local: string, timeZone: string): string {
  const wall = Date.parse(`${local.replace(' ', 'T')}Z`);
  const guess = wall - offsetAt(wall, timeZone);
  return new Date(wall - offsetAt(guess, timeZone)).toISOString();
}

function offsetAt(instantMs: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const shown = Date.parse(`${format.format(instantMs).replace(' ', 'T')}Z`);
  return shown - Math.floor(instantMs / 1000) * 1000;
}
