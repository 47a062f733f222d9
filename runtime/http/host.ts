// Which `Host` a request may name. A page of another site whose name was rebound to this machine still sends its own
// name: refusing it is what keeps a browser's visitor from driving a queue on loopback.
//
// Allowed are loopback (localhost, 127.0.0.0/8, ::1), the host listened on, and the configured names, with any port;
// a configured name that has a port is allowed with that port only. What no address can be, such as a port beyond 65535,
// names nobody.

/** Verdicts remembered, so that a usual request costs one lookup. */
const REMEMBERED_MAX = 64;

const PORT_MAX = 65_535;

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i;
const LOOPBACK_V4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

export function hostAllowList(settings: {
  readonly host: string;
  readonly allowedHosts: readonly string[];
}): (host: string) => boolean {
  const names = new Set([settings.host, ...settings.allowedHosts].map(normalName));
  const remembered = new Set<string>();
  return (host) => {
    if (remembered.has(host)) return true;
    const match = HOST.exec(host);
    if (match === null || Number(match[2] ?? 0) > PORT_MAX) return false;
    const name = normalName(match[1] ?? '');
    const allowed = isLoopback(name) || names.has(name) || names.has(`${name}:${match[2] ?? ''}`);
    if (allowed && remembered.size < REMEMBERED_MAX) remembered.add(host);
    return allowed;
  };
}

export const isLoopback = (name: string): boolean => name === 'localhost' || name === '[::1]' || LOOPBACK_V4.test(name);

/** Lower case; IPv6 addresses in brackets and in their shortest form. */
function normalName(name: string): string {
  const lower = name.toLowerCase();
  const bare = lower.startsWith('[') && lower.endsWith(']') ? lower.slice(1, -1) : lower;
  if (!/^[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*$/.test(bare)) return lower;
  return URL.canParse(`http://[${bare}]/`) ? new URL(`http://[${bare}]/`).hostname : lower;
}
