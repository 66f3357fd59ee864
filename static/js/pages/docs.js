// Draws /openapi.json with Swagger UI, whose files this server serves itself. It asks nothing of another host.

import './plain.js';

/** @type {{SwaggerUIBundle?: (options: Record<string, unknown>) => unknown}} */
const page = /** @type {any} */ (globalThis);

const root = document.documentElement;
const follow = () => root.classList.toggle('dark-mode', root.dataset['theme'] === 'dark');
addEventListener('themechange', follow);
follow();

page.SwaggerUIBundle?.({
  url: '/openapi.json',
  dom_id: '#swagger',
  deepLinking: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
