/** Lines that are wrong in some way, as data. */

const LONGEST_NAME = 'n'.repeat(200)

/** Each is a whole line; what the real server answers is the truth. */
export const WRONG_LINES: readonly string[] = [
  ...['', 'foo', 'PUT 0 0 1 1', 'put', 'put ', 'put 0 0 10', 'put 0 0 10 3 ', 'put 0 0 10 3x'],
  ...['put -1 0 10 3', 'put +1 0 10 3', 'put 0x10 0 10 3', 'put 4294967296 0 10 3'],
  ...['put 0 4294967296 10 3', 'put 0 0 4294967296 3', 'put 0 0 10 4294967296', 'put a b c d'],
  ...['use', 'use ', 'use -a', 'use a b', 'use  a', 'use a:b', `use ${LONGEST_NAME}n`, 'use \xe4'],
  ...['watch', 'watch ', 'watch -a', 'watch a ', `watch ${LONGEST_NAME}n`, 'ignore', 'ignore -a'],
  ...['ignore default x', 'ignore nope', 'reserve x', 'reservex', 'reserve-with-timeout'],
  ...['reserve-job', 'reserve-job ', 'reserve-job x', 'reserve-job 1 ', 'delete', 'delete '],
  ...['delete x', 'delete 1x', 'delete -1', 'delete 99999999999999999999999', 'release 1'],
  ...['release', 'release 1 0', 'release 1 0 0 0', 'release x 0 0', 'release 1 -1 0'],
  ...['bury', 'bury 1', 'bury 1 0 0', 'bury x 0', 'touch', 'touch ', 'touch x', 'touch 1 '],
  ...['peek', 'peek ', 'peek x', 'peek  999999', 'peek-', 'peek-ready x', 'peek-delayedx'],
  ...['peek-buried ', 'kick', 'kick ', 'kick abc', 'kick 0', 'kick  0', 'kick 0 0', 'kick 0x'],
  ...['kick-job', 'kick-job ', 'kick-job x', 'stats x', 'statsfoo', 'stats-job', 'stats-job x'],
  ...['stats-jobx', 'stats-tube', 'stats-tube ', 'stats-tube nope', 'stats-tube -a'],
  ...['stats-tube  default', 'list-tubes x', 'list-tubesx', 'list-tube-used x', 'list-tube'],
  ...['list-tubes-watched x', 'pause-tube', 'pause-tube default', 'pause-tube default x'],
  ...['pause-tube nope 0', 'pause-tube default 0 x', 'pause-tube default -1', 'pause-tube -a 0'],
  ...['qui', ' stats', 'stats ', 'a\0b', 'list-tube-used\0', 'Reserve', `${'x'.repeat(222)}`],
]
