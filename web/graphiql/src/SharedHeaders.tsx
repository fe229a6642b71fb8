import { useGraphiQL } from '@graphiql/react';
import { useEffect, useRef } from 'react';

/** What the headers editor holds until somebody signs in; GraphiQL reads it as JSON with comments, so it sends nothing. */
export const ANONYMOUS_HEADERS = `{
  // Zonder token ben je anoniem. | Without a token you are anonymous.
  // "Authorization": "Bearer <token>"
}`;

/**
 * Copies the headers typed in one tab to the tabs nobody has typed headers in, when they are opened: GraphiQL keeps
 * headers per tab, and a token should not have to be pasted ten times. The editor always shows what is sent.
 */
export function SharedHeaders(): null {
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const activeTabIndex = useGraphiQL((state) => state.activeTabIndex);
  const typed = useRef(ANONYMOUS_HEADERS);

  useEffect(() => {
    const listener = headerEditor?.onDidChangeModelContent((change) => {
      // A flush is GraphiQL showing another tab's headers, not somebody typing.
      if (!change.isFlush) typed.current = headerEditor.getValue();
    });
    return () => listener?.dispose();
  }, [headerEditor]);

  useEffect(() => {
    if (headerEditor?.getValue() === ANONYMOUS_HEADERS) headerEditor.setValue(typed.current);
  }, [headerEditor, activeTabIndex]);

  return null;
}
