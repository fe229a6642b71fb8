import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { fetcher } from './fetcher';
import { operations } from './operations';
import { ANONYMOUS_HEADERS, SharedHeaders } from './SharedHeaders';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    defaultTabs={operations}
    defaultHeaders={ANONYMOUS_HEADERS}
    defaultEditorToolsVisibility="headers"
    // GraphiQL's history keeps headers whatever shouldPersistHeaders says, so all it stores is forgotten with the browser
    // tab: a token survives a reload, and never stays behind on a shared computer.
    storage={sessionStorage}
    shouldPersistHeaders
    showPersistHeadersSettings={false}
  >
    <GraphiQL.Logo>BART</GraphiQL.Logo>
    <SharedHeaders />
  </GraphiQL>,
);
