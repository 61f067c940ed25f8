/** The words of `qlog serve` as its help tells them. Loaded with every command, so it loads nothing. */

export const BEANSTALKD_PORT = 11_300
export const MEMCACHE_PORT = 22_133
export const METRICS_PORT = 9_464

/** How a word stands in the command line, and what the help says of it. */
export interface ServeOption {
  readonly flags: string
  readonly help: string
}

export const SERVE_OPTIONS: readonly ServeOption[] = [
  {
    flags: '--beanstalkd [ADDR]',
    help: `speak beanstalkd's protocol there; 127.0.0.1:${BEANSTALKD_PORT} unless told`,
  },
  {
    flags: '--memcache [ADDR]',
    help: `speak memcache's protocol there; 127.0.0.1:${MEMCACHE_PORT} unless told`,
  },
  {
    flags: '--metrics [ADDR]',
    help: `GET /metrics and /healthz there; 127.0.0.1:${METRICS_PORT} unless told`,
  },
  {
    flags: '--sync <MODE>',
    help: 'when an answer is given: always (once it is on disk, the default), interval:MS, never',
  },
  { flags: '--tls-cert <FILE>', help: 'certificate for both protocols, PEM' },
  { flags: '--tls-key <FILE>', help: 'its key, PEM' },
  {
    flags: '--token-file <FILE>',
    help: 'clients must show one of these tokens first, one a line',
  },
  { flags: '--connections-max <N>', help: 'connections at once, each address; 10000 unless told' },
  {
    flags: '--idle-timeout <S>',
    help: 'end connections that do nothing for so long; never unless told',
  },
  { flags: '--stop-timeout <S>', help: 'how long a stop waits for answers; 10 unless told' },
  {
    flags: '-b <DIR>',
    help: 'the directory, as beanstalkd names it; without any, nothing is kept',
  },
  {
    flags: '-l <ADDR>',
    help: "address of beanstalkd's protocol: a host, or unix:PATH; every interface unless told",
  },
  { flags: '-p <PORT>', help: `its port; ${BEANSTALKD_PORT} unless told` },
  { flags: '-f <MS>', help: 'like --sync interval:MS; 0 is always' },
  { flags: '-F', help: 'like --sync never' },
  { flags: '-u <USER>', help: 'become this user once the addresses are bound' },
  { flags: '-z <BYTES>', help: 'largest job; 65535 unless told' },
  { flags: '-s <BYTES>', help: 'largest file of the log' },
  { flags: '-V', help: 'log more' },
  { flags: '-c', help: 'taken, and without effect, as in beanstalkd' },
  { flags: '-n', help: 'the same' },
  { flags: '-v', help: 'print the version' },
]
