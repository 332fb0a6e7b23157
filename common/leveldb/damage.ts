/** What of a LevelDB's files is not as LevelDB wrote it. */
export interface FileDamage {
	/** Name of the file in the database's folder. */
	readonly file: string;
	/** In bytes; where the structure begins that does not hold. */
	readonly offset: number;
	readonly structure: "current" | "log record" | "table block" | "table footer" | "file";
	readonly message: string;
}
