import { expect, it } from 'vitest';
import { SidecarError } from '../../../src/base/errors.ts';
import { parseNginx } from '../../../src/import/nginx/parse-nginx.ts';

// Found by fuzzing: a quoted name that ends like that of a block of Lua, never closed.
it('a block of Lua whose name has a line feed in it is refused in one line', () => {
  let refusal: unknown;
  try {
    parseNginx('"\ncontent_by_lua_block"{', 'nginx.conf');
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(SidecarError);
  expect((refusal as SidecarError).message).not.toContain('\n');
});
