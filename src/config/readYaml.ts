import { readFileSync } from 'node:fs';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { ConfigurationError, type Problem } from '../errors.ts';

export type YamlFile = { document: Document; lines: LineCounter; content: unknown };

const EXAMPLE = 'examples/hubspot-outbox.yaml in this package is one to start from';

/**
 * Reads a YAML file; what is wrong with its syntax is told with line and column.
 * @throws ConfigurationError
 */
export function readYaml(file: string): YamlFile {
  const text = readText(file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, code, message }): Problem => {
      const { line, col } = lines.linePos(pos[0]);
      return { where: `${file}:${line}:${col}`, message: explain(code, message, text.slice(pos[0])) };
    });
    throw new ConfigurationError(`${file} is not YAML`, { code: 'MAPPING_SYNTAX', problems });
  }
  const content = toContent(file, document);
  if (content === null || content === undefined) {
    throw new ConfigurationError(`${file} is empty`, {
      code: 'MAPPING',
      remedy: `write your objects into it; ${EXAMPLE}`,
    });
  }
  return { document, lines, content };
}

/** The error for a file that can be read and does not say what it should. */
export function refuse(file: string, problems: readonly Problem[]): ConfigurationError {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new ConfigurationError(`${file} has ${count}`, { code: 'MAPPING', problems });
}

const UNREADABLE: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
};

function readText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const why = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : (UNREADABLE[code] ?? code);
    throw new ConfigurationError(`cannot read the mapping file ${file}: ${why}`, {
      code: 'NO_MAPPING',
      cause,
      remedy: `name it with --config FILE; ${EXAMPLE}`,
    });
  }
}

function explain(code: string, message: string, at: string): string {
  if (code === 'DUPLICATE_KEY') return `the key ${/^[^\s:]+/.exec(at)?.[0] ?? ''} stands here for the second time`;
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here, after ---; expected one';
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line; YAML takes spaces';
  return message;
}

/** An alias may name no anchor, or so many that the document explodes: the parser says so only here. */
function toContent(file: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    const problem = { where: file, message: (cause as Error).message };
    throw new ConfigurationError(`${file} is not YAML`, { code: 'MAPPING_SYNTAX', problems: [problem], cause });
  }
}
