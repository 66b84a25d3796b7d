/** `/docs`: Swagger UI over our own `/openapi.json`, from our own origin. */
import 'swagger-ui-dist/swagger-ui.css';
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js';
import './reference.css';

/** What Swagger UI takes for a dark page. */
const DARK = 'dark-mode';

const dark = matchMedia('(prefers-color-scheme: dark)');
const follow = (): boolean => document.documentElement.classList.toggle(DARK, dark.matches);
dark.addEventListener('change', follow);
follow();

SwaggerUI({
  domNode: document.querySelector('#reference'),
  url: 'openapi.json',
  deepLinking: true,
  docExpansion: 'none',
  filter: true,
  // Bodies and answers show their schemas where they are.
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  // It would ask swagger.io whether the document is right.
  validatorUrl: null,
});
