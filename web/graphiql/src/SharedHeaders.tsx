import { useGraphiQL } from '@graphiql/react';
import { useEffect, useRef } from 'react';

/** What the headers editor holds until somebody signs in. GraphiQL reads it as JSON with comments, so it sends nothing. */
export const ANONYMOUS_HEADERS = `{
  // Zonder token ben je anoniem.
  // Without a token you are anonymous.
  // "Authorization": "Bearer <token>"
}`;

/**
 * Gives a tab in which nobody has typed headers yet the ones last typed in another, when it is opened: GraphiQL keeps
 * headers per tab, and a token should not have to be pasted ten times. The editor always shows what is sent.
 */
export function SharedHeaders(): null {
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const activeTabIndex = useGraphiQL((state) => state.activeTabIndex);
  const lastTyped = useRef(ANONYMOUS_HEADERS);

  useEffect(() => {
    if (!headerEditor) return;
    lastTyped.current = headerEditor.getValue();
    const listener = headerEditor.onDidChangeModelContent((change) => {
      // A flush is GraphiQL showing another tab's headers, not somebody typing.
      if (!change.isFlush) lastTyped.current = headerEditor.getValue();
    });
    return () => listener.dispose();
  }, [headerEditor]);

  useEffect(() => {
    if (headerEditor?.getValue() === ANONYMOUS_HEADERS) headerEditor.setValue(lastTyped.current);
  }, [headerEditor, activeTabIndex]);

  return null;
}
