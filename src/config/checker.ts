import leven from 'leven';
import { type Document, isMap, isNode, isScalar, type LineCounter, type Node, type YAMLMap } from 'yaml';
import type { Problem } from '../errors.ts';

/** Collects everything wrong with a YAML document, each problem with its path and place. */
export class Checker {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(file: string, document: Document, lines: LineCounter) {
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
  }

  fail(path: readonly string[], message: string, fix?: string): void {
    this.problems.push({ where: this.#where(path), message, ...(fix === undefined ? {} : { fix }) });
  }

  /** A map; with `known`, one that has no other keys. Null, and a problem, for anything else. */
  map(value: unknown, path: readonly string[], known?: readonly string[]): Record<string, unknown> | null {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.fail(path, `expected ${known === undefined ? 'a map' : `a map with ${known.join(', ')}`}, ${got(value)}`);
      return null;
    }
    for (const key of Object.keys(value)) {
      if (known === undefined || known.includes(key)) continue;
      this.fail([...path, key], `is no key here${didYouMean(key, known) || `; expected ${known.join(', ')}`}`);
    }
    return value as Record<string, unknown>;
  }

  /** A text that is not empty; `''`, and a problem, for anything else. */
  text(value: unknown, path: readonly string[], expected: string, pattern = /\S/): string {
    if (typeof value === 'string' && pattern.test(value)) return value;
    this.fail(path, `expected ${expected}, ${got(value)}`);
    return '';
  }

  texts(value: unknown, path: readonly string[], expected: string): string[] {
    const isText = (entry: unknown) => typeof entry === 'string' && entry !== '';
    if (Array.isArray(value) && value.length > 0 && value.every(isText)) return value;
    this.fail(path, `expected ${expected}, ${got(value)}`);
    return [];
  }

  oneOf<T extends string>(value: unknown, path: readonly string[], choices: readonly [T, ...T[]]): T {
    const choice = choices.find((each) => each === value);
    if (choice !== undefined) return choice;
    const hint = typeof value === 'string' ? didYouMean(value, choices) : '';
    this.fail(path, `expected ${choices.join(' or ')}, ${got(value)}${hint}`);
    return choices[0];
  }

  #where(path: readonly string[]): string {
    if (path.length === 0) return this.#file;
    const { line, col } = this.#lines.linePos(this.#offset(path));
    return `${this.#file}:${line}:${col} ${path.join('.')}`;
  }

  /** Where the key at the end of the path stands, or the last one on the way that stands in the file. */
  #offset(path: readonly string[]): number {
    let offset = 0;
    let node: unknown = this.#document.contents;
    for (const step of path) {
      const pair = isMap(node) ? findPair(node, step) : undefined;
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    }
    return offset;
  }
}

function findPair(map: YAMLMap, name: string) {
  return map.items.find(({ key }) => isScalar(key) && String(key.value) === name);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}

/** `; did you mean x?` for the nearest choice when it is near, else nothing. */
export function didYouMean(word: string, choices: readonly string[]): string {
  const near = choices
    .map((choice) => ({ choice, distance: leven(word.toLowerCase(), choice.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const isNear = near !== undefined && near.distance <= Math.max(2, Math.floor(word.length / 3));
  return isNear ? `; did you mean ${near.choice}?` : '';
}

/** What stood there, as it is said in an error. */
export function got(value: unknown): string {
  if (value === undefined) return 'found nothing';
  if (value === null) return 'found nothing after the colon';
  const text = JSON.stringify(value);
  return `got ${text.length > 80 ? `${text.slice(0, 77)}...` : text}`;
}
