'use client';
import { createContext, createElement, useContext, useEffect, useState, type ReactElement, type ReactNode } from 'react';
import { startJourney } from './journey.js';
import type { Journey, Options } from './types.js';

const Context = createContext<Journey | undefined>(undefined);

/**
 * Start a journey with the first of these that is rendered, and let what is inside use it. It runs until
 * the page goes: leaving the tree does not stop it, and options that change later change nothing.
 */
export const JourneyProvider = ({ children, ...options }: Options & { children?: ReactNode }): ReactElement => {
  // Not in an effect: those of children run first, and what they record must find the journey running.
  const [journey] = useState(() => startJourney(options));
  return createElement(Context.Provider, { value: journey }, children);
};

/** The journey of the provider around; outside of one it is an error, as it would record nothing. */
export const useJourney = (): Journey => {
  const journey = useContext(Context);
  if (!journey) throw new Error('useJourney needs a <JourneyProvider> around it');
  return journey;
};

/** The code that a user reads to support; empty until it is known. */
export const useSupportCode = (): string => {
  const journey = useJourney();
  const [code, setCode] = useState('');
  useEffect(() => {
    let there = true;
    void journey.supportCode.then((found) => there && setCode(found));
    return () => {
      there = false;
    };
  }, [journey]);
  return code;
};
