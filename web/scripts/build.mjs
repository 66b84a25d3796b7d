// Builds tollkeeper.js first (it empties the folder), then the pages beside it.
import { build } from 'vite';
import { billingPage, pages, reference, widgets } from '../vite.config.mjs';

await build(widgets);
await build(billingPage);
await build(pages);
await build(reference);
