import type { Fault } from './prove.ts';
import type { Scenario } from './scenario.ts';
import type { Statement } from './statements.ts';

type Trail = { scenario: Scenario; round: number; fault: Fault; data: string[]; statements: Statement[] };

/** Leaves out one statement after the other as long as `stillFails`; all of them are returned if it does not fail again. */
export async function shrink(
  statements: Statement[],
  stillFails: (fewer: Statement[]) => Promise<boolean>,
): Promise<Statement[]> {
  let fewest = statements;
  if (!(await stillFails(fewest))) return fewest;
  for (let index = fewest.length - 1; index >= 0; index--) {
    const fewer = fewest.toSpliced(index, 1);
    if (await stillFails(fewer)) fewest = fewer;
  }
  return fewest;
}

/** The fault, and everything it takes to see it again in a mysql client. */
export function tell({ scenario, round, fault, data, statements }: Trail): string {
  const query = 'object' in fault ? scenario.objects.find(({ name }) => name === fault.object)?.query : undefined;
  return [
    `${scenario.name}, round ${round}: ${describe(fault)}`,
    ...(query ? [`query: ${query}`] : []),
    '-- tables',
    ...scenario.schema.map((statement) => `${statement.trim()};`),
    '-- rows before',
    ...data.map((statement) => `${statement};`),
    '-- statements',
    ...statements.map(({ sql, file }) => `${sql};${file ? ` -- file: ${JSON.stringify(file)}` : ''}`),
  ].join('\n');
}

function describe(fault: Fault): string {
  if ('marks' in fault) return `nothing changed that any query reads, yet there are marks: ${fault.marks.join(', ')}`;
  const { object, id, before, after } = fault;
  return `record ${JSON.stringify(id)} of ${object} changed and no mark leads to it\n  before: ${readable(before)}\n  after:  ${readable(after)}`;
}

function readable(rows: string | undefined): string {
  if (rows === undefined) return 'not returned';
  return rows.replace(/x([0-9a-f]*)/g, (_, bytes: string) =>
    JSON.stringify(Buffer.from(bytes, 'hex').toString('utf8')),
  );
}
