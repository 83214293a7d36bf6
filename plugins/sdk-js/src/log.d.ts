/**
 * Lines for the daemon's log. Importing this module asks for the capability
 * `log`: without `capabilities = ["log"]` in the plugin's table of the
 * configuration the plugin does not go live. With it `console` writes there too;
 * without this module it does nothing.
 *
 * Texts and bytes are written as they are, other values as JSON, with a space
 * between them. The daemon adds the plugin, the partition and the offset of the
 * record. It keeps the first 1,024 bytes of a line and 100 lines of a call, and
 * then ten lines a second. A record that is processed again is logged again. In
 * tests lines go to standard error, and `console` is that of Node.js.
 */

/** Something failed. */
export function error(...values: unknown[]): void;
/** Something is odd. */
export function warn(...values: unknown[]): void;
/** Something happened. */
export function info(...values: unknown[]): void;
/** For whoever looks for a fault. */
export function debug(...values: unknown[]): void;
