import { renderMetricsReference } from '../observe/render-metrics-reference.ts';
import { renderReference } from './render-reference.ts';
import { renderSample } from './render-sample.ts';
import { renderSchema } from './render-schema.ts';
import { renderWorkerRoutes } from './render-worker-routes.ts';

/** The files that are made from the tables of configuration and metrics, by their path from the project's root. */
export function renderGeneratedFiles(): readonly { readonly path: string; readonly text: string }[] {
  return [
    { path: 'config/schema.json', text: renderSchema() },
    { path: 'config/sidecar.sample.yaml', text: renderSample() },
    { path: 'docs/reference/configuration.md', text: renderReference() },
    { path: 'docs/reference/worker-routes.md', text: renderWorkerRoutes() },
    { path: 'docs/reference/metrics.md', text: renderMetricsReference() },
  ];
}
