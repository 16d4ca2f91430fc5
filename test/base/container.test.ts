import { describe, expect, it } from 'vitest';
import { findFolderPlace, isOnVolume } from '../../src/base/container.ts';

const ROOT = '1 0 0:50 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/l';
const line = (point: string, type = 'ext4', optional = '') =>
  `600 1 8:1 /var/lib/docker/volumes/x/_data ${point} rw,relatime${optional} - ${type} /dev/sda1 rw`;

describe('whether a folder outlives its container', () => {
  it.each<[string, readonly string[], string, boolean]>([
    ['nothing but the root', [ROOT], '/app/certs', false],
    ['a volume at the folder', [ROOT, line('/app/certs')], '/app/certs', true],
    ['a volume above it', [ROOT, line('/app')], '/app/certs', true],
    ['a volume beside it', [ROOT, line('/app/certs-of-others'), line('/data')], '/app/certs', false],
    ['files that engines mount', [ROOT, line('/etc/hosts'), line('/proc', 'proc')], '/app/certs', false],
    ['optional fields in the line', [ROOT, line('/app/certs', 'ext4', ' shared:7 master:1')], '/app/certs', true],
    ['a blank in the name', [ROOT, line('/my\\040certs')], '/my certs', true],
    ['memory at the folder', [ROOT, line('/app/certs', 'tmpfs')], '/app/certs', false],
    ['memory below a volume', [ROOT, line('/app'), line('/app/certs', 'tmpfs')], '/app/certs', false],
    ['a volume below memory', [ROOT, line('/app', 'tmpfs'), line('/app/certs')], '/app/certs', true],
    ['a volume that memory hides', [ROOT, line('/app/certs'), line('/app/certs', 'ramfs')], '/app/certs', false],
    ['no lines at all', [''], '/app/certs', false],
  ])('with %s', (_, lines, folder, expected) => {
    expect(isOnVolume(folder, lines.join('\n'))).toBe(expected);
  });

  it('is not known where the system does not tell', () => {
    expect(isOnVolume('/app/certs', undefined)).toBeUndefined();
  });

  it.runIf(process.platform === 'linux')('is told of real mounts', () => {
    expect(findFolderPlace('/proc/self').onVolume).toBe(true);
    expect(findFolderPlace('/').onVolume).toBe(false);
  });
});
