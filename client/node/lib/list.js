// SPDX-License-Identifier: Apache-2.0

// A list: `await` gives its first page, {data, cursor, …}; `for await` gives the items of all pages.
export class List {
  #fetch;
  #params;

  constructor(fetch, params) {
    this.#fetch = fetch;
    this.#params = params;
  }

  async #page(cursor) {
    const { items, ...rest } = await this.#fetch({ ...this.#params, cursor });
    return { ...rest, data: items };
  }

  then(resolve, reject) {
    return this.#page(this.#params.cursor).then(resolve, reject);
  }

  catch(reject) {
    return this.then(undefined, reject);
  }

  finally(settle) {
    return this.#page(this.#params.cursor).finally(settle);
  }

  async* [Symbol.asyncIterator]() {
    let cursor = this.#params.cursor;
    do {
      const page = await this.#page(cursor);
      yield* page.data;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
}
