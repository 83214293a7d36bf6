/** The plugin's configuration table. */

import { typeOf } from "./shape.js";

/** What is wrong with a configuration. The plugin does not go live. */
export class ConfigError extends Error {
  constructor(message) {
    super(`config: ${message}`);
    this.name = "ConfigError";
  }
}

/** The table `config` of this plugin in `millstream.toml`. */
export class Config {
  /** `json` is an object as JSON; `{}` if there is no table. */
  constructor(json) {
    this.json = json;
    try {
      this.value = JSON.parse(json);
    } catch {
      throw new ConfigError("it is not JSON");
    }
    if (typeOf(this.value) !== "an object") throw new ConfigError(`it is ${typeOf(this.value)}, expected an object`);
  }

  none() {
    const [key] = Object.keys(this.value).sort();
    if (key !== undefined) throw new ConfigError(`unknown key \`${key}\`; this plugin has no configuration`);
  }

  read(defaults) {
    const known = Object.keys(defaults);
    for (const [key, value] of Object.entries(this.value)) {
      if (!known.includes(key)) throw new ConfigError(`unknown field \`${key}\`, ${expected(known)}`);
      const wanted = defaults[key];
      if (wanted !== null && typeOf(value) !== typeOf(wanted)) {
        throw new ConfigError(`\`${key}\` is ${typeOf(value)}, expected ${typeOf(wanted)}`);
      }
    }
    return { ...defaults, ...this.value };
  }
}

function expected(known) {
  const names = known.map((key) => `\`${key}\``).join(", ");
  return known.length === 1 ? `expected ${names}` : `expected one of ${names}`;
}

/** Configures a plugin. Returns why it refuses, or undefined. Other errors are thrown. */
export function configure(plugin, json) {
  try {
    const config = new Config(json);
    if (plugin.configure === undefined) config.none();
    else notAsync("configure", plugin.configure(config));
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError || (error instanceof Error && error.constructor === Error)) return error.message;
    throw error;
  }
}

/** Plugins have no clock and no I/O: nothing could settle a promise. */
export function notAsync(name, result) {
  if (typeof result?.then === "function") throw new TypeError(`${name} must not be async: a plugin has no event loop`);
  return result;
}
