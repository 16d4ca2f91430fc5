import type { SidecarError } from '../base/errors.ts';
import type { Row } from './row.ts';

export const STORE_ROW = 'store';

/** Whether the store could be opened; `failure` says why not. */
export function checkStore(store: { readonly where: string; readonly failure: SidecarError | undefined }): Row {
  return {
    id: STORE_ROW,
    title: 'The store can be read and written',
    needs: [],
    hint: 'Check the setting store, and who owns the folder.',
    run: async () => {
      if (store.failure !== undefined) throw store.failure;
      return { seen: store.where, findings: [] };
    },
  };
}
