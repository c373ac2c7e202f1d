/** One thing wrong with what the user gave us: where it stands, what was expected, what stood there, what to do. */
export type Problem = {
  /** A path in a file (`objects.contacts.key`), a variable name, a table: whatever leads the reader to the place. */
  where: string;
  message: string;
  fix?: string;
};

type Options = { code: string; remedy?: string; cause?: unknown };

/**
 * Something that went wrong and that a person can mend. `message` says what, where and got what;
 * `remedy` says what to do and is printed after `Try:`. Neither ever holds a secret or a property value.
 */
export class OutboxError extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  /** The exit code of a command that ends with this error: 1 a problem, 2 wrong usage or configuration. */
  readonly exitCode: 1 | 2 = 1;

  constructor(message: string, { code, remedy, cause }: Options) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** Wrong usage or configuration; carries every problem found, so that all can be mended at once. */
export class ConfigurationError extends OutboxError {
  override readonly exitCode = 2;
  readonly problems: readonly Problem[];

  constructor(message: string, options: Options & { problems?: readonly Problem[] }) {
    super(message, options);
    this.problems = options.problems ?? [];
  }
}
