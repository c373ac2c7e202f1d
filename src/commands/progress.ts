export type Progress = {
  update(at: { enqueued: number; total: number }): void;
  end(line: string): void;
  /** Ends it without a word; a bar that is left standing keeps the process alive. */
  abandon(): void;
};

const LINE_EVERY_MS = 2_000;

/** A bar with an estimate of the time left on a terminal; a plain line now and then elsewhere. */
export async function startProgress(name: string, out: NodeJS.WriteStream = process.stdout): Promise<Progress> {
  return out.isTTY ? bar(name, out) : lines(name, out);
}

async function bar(name: string, stream: NodeJS.WriteStream): Promise<Progress> {
  const { default: cli } = await import('cli-progress');
  const shown = new cli.SingleBar(
    { format: `${name} [{bar}] {percentage}% {value}/{total} records, {eta_formatted} left`, stream, hideCursor: true },
    cli.Presets.rect,
  );
  shown.start(1, 0);
  return {
    update({ enqueued, total }) {
      shown.setTotal(Math.max(total, 1));
      shown.update(enqueued);
    },
    end(line) {
      shown.stop();
      stream.write(`${line}\n`);
    },
    abandon: () => shown.stop(),
  };
}

function lines(name: string, stream: NodeJS.WriteStream): Progress {
  let saidAt = performance.now();
  return {
    update({ enqueued, total }) {
      if (performance.now() - saidAt < LINE_EVERY_MS) return;
      saidAt = performance.now();
      stream.write(`${name}: ${enqueued} of about ${total} records enqueued\n`);
    },
    end(line) {
      stream.write(`${line}\n`);
    },
    abandon: () => {},
  };
}
