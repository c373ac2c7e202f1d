import { isUtf8 } from 'node:buffer';

/** What a column of a result holds, by the metadata the server sends with it. */
export type ColumnKind =
  | 'integer'
  | 'decimal'
  | 'float'
  | 'date'
  | 'datetime'
  | 'timestamp'
  | 'time'
  | 'bit'
  | 'set'
  | 'text'
  | 'binary'
  | 'geometry';

export type SourceColumn = { name: string; kind: ColumnKind };

/** A column as it came over the wire. */
export type WireColumn = SourceColumn & {
  /** The value of an expression, and not of a column of a table. */
  isComputed: boolean;
  /** What the server calls its length: for a BIT column, the number of bits. */
  length: number;
};

/** The part of mysql2's column definition that decides. */
export type ColumnPacket = {
  name: string;
  columnType?: number;
  columnLength?: number;
  characterSet?: number;
  flags?: number | string[];
  orgName?: string;
};

const BINARY_CHARSET = 63;
const SET_FLAG = 2_048;
const TEXT = 253;

// Type numbers of the client protocol: https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html
const KINDS: Record<number, ColumnKind> = {
  0: 'decimal',
  246: 'decimal',
  1: 'integer',
  2: 'integer',
  3: 'integer',
  8: 'integer',
  9: 'integer',
  13: 'integer',
  4: 'float',
  5: 'float',
  7: 'timestamp',
  17: 'timestamp',
  10: 'date',
  14: 'date',
  11: 'time',
  19: 'time',
  12: 'datetime',
  18: 'datetime',
  16: 'bit',
  245: 'text',
  248: 'set',
  255: 'geometry',
};

/** The driver reads some of these when they are asked for: a copy of the packet would lack them. */
export function toColumn(packet: ColumnPacket): WireColumn {
  return {
    name: packet.name,
    kind: KINDS[packet.columnType ?? TEXT] ?? textKind(packet),
    isComputed: (packet.orgName ?? '') === '',
    length: packet.columnLength ?? 0,
  };
}

function textKind({ flags, characterSet }: ColumnPacket): ColumnKind {
  if (typeof flags === 'number' && (flags & SET_FLAG) !== 0) return 'set';
  return characterSet === BINARY_CHARSET ? 'binary' : 'text';
}

/**
 * A value as it came over the wire: exact text; bytes where the column is binary, and where they are not what the
 * column says (a text that is not UTF-8, a BIT that may mean two numbers), so that nothing is guessed.
 */
export type SourceValue = string | Buffer | null;

export function toValue(column: WireColumn, bytes: Buffer | null): SourceValue {
  if (bytes === null) return null;
  switch (column.kind) {
    case 'binary':
    case 'geometry':
      return bytes;
    case 'bit':
      return readBit(column, bytes);
    default:
      return isUtf8(bytes) ? bytes.toString('utf8') : bytes;
  }
}

/**
 * A BIT column comes as raw bytes. An expression over one comes as raw bytes or as decimal digits, differently on each
 * server and for each function (`MAX(b)` is digits on MariaDB and MySQL 5.6 and raw on MySQL 9; `COALESCE(b, b)` is
 * digits on all). Digits are only told from raw bytes where these could not stand for a number of so many bits.
 */
function readBit({ isComputed, length }: WireColumn, bytes: Buffer): SourceValue {
  const raw = BigInt(`0x${bytes.toString('hex') || '0'}`);
  const text = bytes.toString('latin1');
  if (!isComputed || !/^\d+$/.test(text)) return raw.toString();
  const mayBeRaw = bytes.length === Math.ceil(length / 8) && raw < 1n << BigInt(length);
  return mayBeRaw ? bytes : text;
}
