/** A database server that tests run on. */
export type Server = {
  /** `mariadb-10.11`, `mysql-9.7`, … */
  kind: string;
  host: string;
  port: number;
  /** Its root account, without a database. */
  adminUrl: string;
  /** Undefined for one in a container. */
  pid: number | undefined;
  /** Ends it by the signal and starts it anew, where it was. Undefined for one in a container. */
  restart?(signal: NodeJS.Signals, disk?: SmallDisk): Promise<void>;
  stop(): Promise<void>;
};

/** One of its databases lies on a disk of its own from now on, which goes when the server ends. Takes root. */
export type SmallDisk = { database: string; megabytes: number };

/** A kind of server that is not at hand here, and why. */
export class NotAtHand extends Error {}
