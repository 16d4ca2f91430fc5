import { describeError } from '../base/errors.ts';
import type { Exchange } from '../forward/exchange.ts';
import { openTesterIdentity } from './open-tester-identity.ts';
import type { OpenTester } from './run-federation-tests.ts';
import type { Asker, FederationTesterDeps } from './tester-deps.ts';
import { chooseIdentity } from './tester-identity.ts';

/** The federation tester of a sidecar. */
export interface FederationTester {
  /** Answers a request for one of `TESTER_PATHS`. Never rejects. */
  answer(exchange: Exchange, asker: Asker): Promise<void>;
  /** Answers who asks for the keys with which tests are signed. Never rejects. */
  answerKeys(exchange: Exchange): Promise<void>;
  /** Ends what is under way. Idempotent. */
  close(): void;
}

export function createFederationTester(deps: FederationTesterDeps): FederationTester {
  const { answers, log } = deps;
  const identity = openTesterIdentity({ ...deps, name: () => chooseIdentity(deps.config()) });
  let opening: Promise<OpenTester> | undefined;
  let closed = false;

  /** Loaded when it is needed: most sidecars are asked for no test in all their life. */
  function open(): Promise<OpenTester> {
    opening ??= import('./run-federation-tests.ts').then(({ openTester }) => openTester({ ...deps, identity }));
    return opening;
  }

  return {
    async answer(exchange, asker) {
      try {
        const tester = await open();
        const { status, body, contentType, headers } = await tester.answer(exchange, asker);
        answers.text(exchange, status, body, { contentType, headers });
      } catch (error) {
        if (!closed) log.error({ err: error }, `The federation tester failed by a defect: ${describeError(error)}`);
        answers.text(
          exchange,
          closed ? 503 : 500,
          closed ? 'The sidecar is stopping.\n' : 'Internal error; the log says more.\n',
        );
      }
    },
    async answerKeys(exchange) {
      const document = await identity.publish();
      if (document !== undefined) answers.json(exchange, 200, document);
      else answers.error(exchange, { status: 404, errcode: 'M_NOT_FOUND', message: 'No keys are published here.' });
    },
    close() {
      closed = true;
      void opening?.then(
        (tester) => tester.close(),
        () => {},
      );
    },
  };
}
